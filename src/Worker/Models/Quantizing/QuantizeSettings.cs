using VlWorker.ModelKit.Quantization;

namespace VlWorker.Models.Quantizing;

/// <summary>What the user asked to be rewritten, and how.</summary>
/// <param name="Folder">The model folder.</param>
/// <param name="Recipe">How its graphs are rewritten.</param>
internal sealed record QuantizeSettings(string Folder, QuantizationRecipe Recipe)
{
    /// <summary>Folder of the result; null writes beside the originals.</summary>
    public string? Out { get; init; }

    /// <summary>Whether graphs that are there may be replaced.</summary>
    public bool Force { get; init; }

    /// <summary>Folder of calibration images for fp16.</summary>
    public string? Images { get; init; }

    /// <summary>Calibration images at most.</summary>
    public int Limit { get; init; } = 16;

    /// <summary>Whether every node is listed.</summary>
    public bool Verbose { get; init; }

    /// <summary>Everything that is wrong with these settings.</summary>
    public IEnumerable<string> Check()
    {
        if (Images is not null && Recipe.Target != QuantizationTarget.Fp16)
            yield return "--images is for --to Fp16 only: the other targets need no calibration";
        if (Limit < 1)
            yield return "--limit is below 1";
        foreach (var error in Recipe.Check())
            yield return error;
    }
}
