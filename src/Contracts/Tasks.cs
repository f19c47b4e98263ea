namespace VlWorker.Contracts;

/// <summary>The tasks that a request may name.</summary>
public static class Tasks
{
    /// <summary>A text that says what the image shows.</summary>
    public const string Caption = "caption";

    /// <summary>A vector for search by image or text.</summary>
    public const string Embedding = "embedding";

    /// <summary>A text that answers the question in <see cref="DescribeImage.Prompt"/>.</summary>
    public const string Answer = "answer";

    /// <summary>Where things are: boxes with labels.</summary>
    public const string Detect = "detect";

    /// <summary>How well each of <see cref="DescribeImage.Labels"/> fits the image.</summary>
    public const string Classify = "classify";

    /// <summary>All tasks.</summary>
    public static IReadOnlyList<string> All { get; } = [Caption, Embedding, Answer, Detect, Classify];

    /// <summary>The tasks of a request that names none.</summary>
    public static IReadOnlyList<string> Default { get; } = [Caption, Embedding];
}
