namespace VlWorker.Publishing;

/// <summary>Exchanges or queues exist on the broker with other arguments than the worker's: nobody can change them but a person.</summary>
internal sealed class TopologyException(IReadOnlyList<string> errors) : Exception(string.Join(Environment.NewLine, errors))
{
    /// <summary>One sentence an entity: what differs, and what to do.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
