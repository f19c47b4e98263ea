using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Describing;

/// <summary>Checks that both kinds of requests share.</summary>
internal static class RequestChecks
{
    /// <summary>Rejects a request that has faults, naming all of them.</summary>
    public static void Validate(IReadOnlyList<string> faults)
    {
        if (faults.Count > 0)
            throw new RejectedException(RejectionReason.BadRequest, string.Join("; ", faults));
    }

    /// <summary>Rejects a request whose deadline has passed.</summary>
    public static void Deadline(DateTimeOffset? deadline, TimeProvider time, string when)
    {
        if (deadline <= time.GetUtcNow())
            throw new RejectedException(RejectionReason.Expired, $"the deadline passed {when}");
    }
}
