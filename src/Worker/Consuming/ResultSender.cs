using VlWorker.Failures;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>Gets results out: one that can't be published is kept and tried again, so that inference is not repeated, up to a limit.</summary>
internal sealed class ResultSender(ResultPublisher publisher, ConsumptionGate gate, PublishingOptions options, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private int _held;

    /// <summary>Results that were tried in vain and are kept.</summary>
    public int Held => Volatile.Read(ref _held);

    /// <summary>Publishes a result, and the reply if one was asked for.</summary>
    /// <exception cref="DependencyException">It could not be published for as long as <see cref="PublishingOptions.HoldFor"/>.</exception>
    public async Task SendAsync(OutgoingResult result, CancellationToken cancellation)
    {
        await HoldAsync(() => publisher.PublishAsync(result, cancellation), cancellation);
        await HoldAsync(() => publisher.ReplyAsync(result, cancellation), cancellation);
    }

    /// <summary>Returns when results can be published: a result that is kept must have gone out first, for it is the best probe there is.</summary>
    /// <exception cref="DependencyException">They can't.</exception>
    public async Task ProbeAsync(IBrokerPublisher broker, CancellationToken cancellation)
    {
        await broker.ProbeAsync(cancellation);
        if (Held > 0 && gate.State.Failures.TryGetValue(Dependency.Results, out var detail))
            throw new DependencyException(Dependency.Results, detail);
    }

    private async Task HoldAsync(Func<Task> publish, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var holding = false;
        try
        {
            for (var pause = FirstPause; ; pause = pause + pause < LongestPause ? pause + pause : LongestPause)
            {
                try
                {
                    await publish();
                    return;
                }
                catch (DependencyException error) when (time.GetElapsedTime(started) + pause < options.HoldFor)
                {
                    if (!holding)
                        Interlocked.Increment(ref _held);
                    holding = true;
                    gate.Close(error);
                }

                await Task.Delay(pause, time, cancellation);
            }
        }
        finally
        {
            if (holding)
                Interlocked.Decrement(ref _held);
        }
    }
}
