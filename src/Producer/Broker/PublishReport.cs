namespace VlWorker.Producer.Broker;

/// <summary>What became of a run of publishing.</summary>
/// <param name="Confirmed">Requests that the broker has taken over.</param>
/// <param name="FirstLost">Place in the input of the first request that was sent and not confirmed, or null.</param>
/// <param name="Failure">Why the run stopped early, or null.</param>
internal sealed record PublishReport(long Confirmed, long? FirstLost, ProducerException? Failure);
