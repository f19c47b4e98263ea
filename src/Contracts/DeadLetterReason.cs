namespace VlWorker.Contracts;

/// <summary>The words in <see cref="Topology.DeadReasonHeader"/> of dead letters that the worker wrote. Dead letters without the header were put away by the broker.</summary>
public static class DeadLetterReason
{
    /// <summary>The body is not a JSON object in UTF-8.</summary>
    public const string MalformedJson = "malformed-json";

    /// <summary>Every attempt failed, while other messages succeeded.</summary>
    public const string AttemptsExhausted = "attempts-exhausted";

    /// <summary>Every attempt failed with an error that the worker does not know: likely a defect of the worker.</summary>
    public const string UnexpectedError = "unexpected-error";

    /// <summary>Worker processes died while they were at work on this message alone.</summary>
    public const string CrashedWorker = "crashed-worker";

    /// <summary>All reasons.</summary>
    public static IReadOnlyList<string> All { get; } = [MalformedJson, AttemptsExhausted, UnexpectedError, CrashedWorker];
}
