namespace VlWorker.ModelKit.Tests.Downloads;

internal static class Waiting
{
    /// <summary>Ends when the token is cancelled.</summary>
    public static Task WhenCancelled(this CancellationToken cancellation)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cancellation.Register(cancelled.SetResult);
        return cancelled.Task;
    }
}
