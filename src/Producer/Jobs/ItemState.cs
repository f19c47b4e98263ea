namespace VlWorker.Producer.Jobs;

/// <summary>States of an item below the codes of outcomes. All take one byte in the file, so that a change of state never moves a row.</summary>
internal static class ItemState
{
    /// <summary>Not answered: it waits to be published, or is on its way. Numbers up to the watermark have been published.</summary>
    public const int Pending = 2;

    /// <summary>Codes of outcomes begin here.</summary>
    public const int FirstOutcome = 10;
}

/// <summary>Kinds of outcomes.</summary>
internal static class OutcomeKind
{
    /// <summary>There is a result; the detail names the models with their revisions.</summary>
    public const string Described = "described";

    /// <summary>A worker rejected it; the detail is the reason.</summary>
    public const string Rejected = "rejected";

    /// <summary>It became a dead letter; the detail is the reason.</summary>
    public const string Dead = "dead-letter";

    /// <summary>The job was cancelled before it was published.</summary>
    public const string NotPublished = "not published";
}

/// <summary>An outcome that items have had, and how many have it now.</summary>
internal sealed record OutcomeCount(int Code, string Kind, string Detail, long Count);

/// <summary>An item that is to be published.</summary>
/// <param name="Id">Its number in the job, from 1.</param>
/// <param name="Bucket">The bucket.</param>
/// <param name="Key">The key.</param>
/// <param name="Etag">The listed entity tag, or null.</param>
/// <param name="Own">What the request has of its own, as JSON, or null.</param>
internal sealed record JobItem(long Id, string Bucket, string Key, string? Etag, string? Own);

/// <summary>What became of an item.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Kind">Of <see cref="OutcomeKind"/>.</param>
/// <param name="Detail">What tells outcomes of a kind apart.</param>
/// <param name="Text">A sentence for the report, or null.</param>
/// <param name="Etag">The entity tag of what was described, or null to keep the listed one.</param>
/// <param name="Results">Result ids, 32 bytes each, or null.</param>
/// <param name="Milliseconds">Time at work, or 0.</param>
internal sealed record Settlement(long Id, string Kind, string Detail, string? Text, string? Etag, byte[]? Results, double Milliseconds);
