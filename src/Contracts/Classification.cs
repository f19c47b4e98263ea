namespace VlWorker.Contracts;

/// <summary>How well the labels of a request fit an image.</summary>
public sealed record Classification
{
    /// <summary>How the scores came to be: one of <see cref="ScoreFunctions"/>. It is the model's own, and says how to read them.</summary>
    public required string Function { get; init; }

    /// <summary>All labels of the request, best first; equal scores keep the request's order.</summary>
    public required IReadOnlyList<LabelScore> Labels { get; init; }
}

/// <summary>A label and its score.</summary>
public sealed record LabelScore
{
    /// <summary>The label as the request has it.</summary>
    public required string Label { get; init; }

    /// <summary>0 to 1.</summary>
    public required double Score { get; init; }
}

/// <summary>The values of <see cref="Classification.Function"/>.</summary>
public static class ScoreFunctions
{
    /// <summary>The labels compete: their scores add up to 1, however badly all of them fit.</summary>
    public const string Softmax = "softmax";

    /// <summary>Each label is judged alone: several may be near 1, or none.</summary>
    public const string Sigmoid = "sigmoid";

    /// <summary>All functions.</summary>
    public static IReadOnlyList<string> All { get; } = [Softmax, Sigmoid];
}
