using VlWorker.Contracts;
using VlWorker.ModelKit;

namespace VlWorker.Describing;

/// <summary>The labels of a classification.</summary>
/// <param name="Labels">As the request has them.</param>
/// <param name="Template">What stands around each when the model reads it, or null.</param>
internal sealed record LabelSet(IReadOnlyList<string> Labels, string? Template)
{
    private const string Place = "{}";

    /// <summary>What the model reads for a label.</summary>
    public string TextOf(string label) => Template?.Replace(Place, label, StringComparison.Ordinal) ?? label;

    /// <summary>The canonical text that is part of a result's id. Labels hold no control characters, so a line feed is between two of them.</summary>
    /// <param name="similarity">How scores are made: its numbers need not be in the files that make the model's revision.</param>
    public string Canonical(Similarity similarity) => ResultIds.Parameters(null,
    [
        new("labels", string.Join('\n', Labels)), new("labelTemplate", Template), new("function", similarity.Function),
        new("scale", similarity.Scale), new("bias", similarity.Bias),
    ]);
}
