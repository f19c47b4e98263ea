namespace VlWorker.Publishing;

/// <summary>Publishes bytes and returns once the broker is responsible for them.</summary>
internal interface IBrokerPublisher
{
    /// <summary>Publishes one persistent message and waits for the broker's confirm. Any number of calls may run side by side.</summary>
    /// <param name="exchange">Empty for the default exchange, whose routing keys are queue names.</param>
    /// <param name="routingKey">The routing key.</param>
    /// <param name="body">The bytes; the caller keeps them unchanged until the task ends.</param>
    /// <param name="properties">The properties.</param>
    /// <param name="mandatory">Whether it is an error that no queue takes the message.</param>
    /// <param name="cancellation">Gives up waiting; the message may be published all the same.</param>
    /// <exception cref="UnroutableException">Mandatory, and no queue took it.</exception>
    /// <exception cref="Failures.DependencyException">Not confirmed: not reachable, refused (queue full), or too slow.</exception>
    Task PublishAsync(
        string exchange, string routingKey, ReadOnlyMemory<byte> body, MessageProperties properties, bool mandatory, CancellationToken cancellation);

    /// <summary>Returns when messages can be published: connected, and everything that the worker publishes to exists.</summary>
    /// <exception cref="Failures.DependencyException">They can't, and why.</exception>
    Task ProbeAsync(CancellationToken cancellation);

    /// <summary>Messages that wait on each queue; empty where that can't be told without connecting first.</summary>
    Task<IReadOnlyDictionary<string, long>> DepthsAsync(IReadOnlyList<string> queues, CancellationToken cancellation);
}
