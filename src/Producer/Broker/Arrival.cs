namespace VlWorker.Producer.Broker;

/// <summary>A message taken from a queue and not yet acknowledged.</summary>
/// <param name="Tag">For the acknowledgement, on the channel it came by.</param>
/// <param name="Body">The bytes; the receiver's own copy.</param>
internal sealed record Arrival(ulong Tag, byte[] Body);
