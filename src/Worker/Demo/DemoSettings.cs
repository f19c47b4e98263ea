namespace VlWorker.Demo;

/// <summary>What the user asked the demo for.</summary>
/// <param name="Images">The folder of images.</param>
/// <param name="Out">The folder of the results.</param>
/// <param name="Queries">Texts to search for.</param>
/// <param name="Limit">Images at most, in the order of their keys; null takes all.</param>
internal sealed record DemoSettings(string Images, string Out, IReadOnlyList<string> Queries, int? Limit)
{
    /// <summary>A question about each image; null asks none.</summary>
    public string? Question { get; init; }
}

/// <summary>The exit codes of the demo, in its help too.</summary>
internal static class DemoExit
{
    /// <summary>Every image has a description or a rejection.</summary>
    public const int Complete = 0;

    /// <summary>Some images have neither, or the page could not be written.</summary>
    public const int Incomplete = 1;

    /// <summary>Nothing was done: the arguments, the folders or the models don't allow it.</summary>
    public const int CannotStart = 2;

    /// <summary>Interrupted; results.jsonl has what was done until then.</summary>
    public const int Interrupted = 130;
}

/// <summary>The demo can't go on; the message is for the user.</summary>
internal sealed class DemoException(string message, Exception? inner = null) : Exception(message, inner);
