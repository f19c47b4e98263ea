namespace VlWorker.Failures;

/// <summary>The request or its object is at fault: it becomes an <see cref="Contracts.ImageRejected"/>, whoever tries it again.</summary>
/// <param name="reason">One of <see cref="Contracts.RejectionReason"/>.</param>
/// <param name="detail">What exactly, for a person; no secrets, no host names.</param>
internal sealed class RejectedException(string reason, string detail, Exception? inner = null) : Exception(detail, inner)
{
    public string Reason { get; } = reason;
}
