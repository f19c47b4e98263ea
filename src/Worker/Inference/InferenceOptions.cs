using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Inference;

/// <summary>The models of a worker.</summary>
internal sealed record InferenceOptions
{
    public static string Section => "Inference";

    [Description("The models to load. The first that can do a task does it by default.")]
    [Required]
    public IReadOnlyList<ModelOptions> Models { get; init; } =
    [
        new ModelOptions { Alias = "demo-captioner", Folder = "models/demo-captioner" },
        new ModelOptions { Alias = "demo-clip", Folder = "models/demo-clip" },
    ];

    /// <summary>Everything that is wrong with these settings together.</summary>
    public IEnumerable<string> Check()
    {
        if (Models.Count == 0)
            yield return "Models is empty: nothing could be described";
        foreach (var alias in Models.GroupBy(model => model.Alias, StringComparer.Ordinal).Where(group => group.Count() > 1))
            yield return $"Models: two models are called '{alias.Key}'";
    }
}
