namespace VlWorker.Contracts;

/// <summary>The tasks that a request may name.</summary>
public static class Tasks
{
    /// <summary>A text that says what the image shows.</summary>
    public const string Caption = "caption";

    /// <summary>A vector for search by image or text.</summary>
    public const string Embedding = "embedding";

    /// <summary>All tasks.</summary>
    public static IReadOnlyList<string> All { get; } = [Caption, Embedding];
}
