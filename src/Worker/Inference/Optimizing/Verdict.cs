namespace VlWorker.Inference.Optimizing;

/// <summary>What the comparison of an optimised model with its export gave. It is kept beside the model, so that it is made once.</summary>
/// <param name="Good">Whether the optimised model may run.</param>
/// <param name="Finding">What was found, for a person.</param>
internal sealed record Verdict(bool Good, string Finding)
{
    private const string GoodEnding = ".verified";
    private const string BadEnding = ".refused";

    /// <summary>The verdict on a model; null where there is none yet.</summary>
    /// <param name="model">The optimised folder.</param>
    public static Verdict? Read(string model) => File.Exists(model + GoodEnding) ? new Verdict(true, File.ReadAllText(model + GoodEnding).Trim())
        : File.Exists(model + BadEnding) ? new Verdict(false, File.ReadAllText(model + BadEnding).Trim()) : null;

    /// <summary>Keeps the verdict.</summary>
    public void Write(string model) => File.WriteAllText(model + (Good ? GoodEnding : BadEnding), Finding + "\n");
}
