namespace VlWorker.Contracts;

/// <summary>Says to all workers that a job is cancelled. Publish it persistent to <see cref="Topology.ControlExchange"/>.</summary>
/// <remarks>
/// Requests of the job that were published before <see cref="CancelledAt"/> (AMQP timestamp, whole seconds) or without a timestamp are rejected
/// as <see cref="RejectionReason.Cancelled"/>. Those published later are served: a job can be run again under its name.
/// </remarks>
public sealed record CancelJob
{
    /// <summary>The job, compared exactly with the requests' <see cref="DescribeImage.JobId"/>.</summary>
    public required string JobId { get; init; }

    /// <summary>When it was cancelled.</summary>
    public required DateTimeOffset CancelledAt { get; init; }
}
