using VlWorker.Failures;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>While the gate is closed: stops the lanes, probes what failed, and opens both again once the probes succeed in a row.</summary>
/// <remarks>
/// A dependency without a probe (a lost device) never comes back in this process. A gate that closes again soon after it opened is probed at
/// longer intervals each time: a probe that succeeds while the work fails would else drive messages in circles.
/// </remarks>
internal sealed class GateKeeper(
    ConsumptionGate gate,
    ReceiveLanes lanes,
    IReadOnlyDictionary<Dependency, Func<CancellationToken, Task>> probes,
    ConsumingOptions options,
    TimeProvider time,
    ILogger<GateKeeper> logger)
{
    private static readonly TimeSpan Steady = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan WatchEvery = TimeSpan.FromSeconds(1);

    /// <summary>Endpoints reconnect by themselves; what they can't mend (a queue that was deleted) needs the topology declared anew.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private long _opened = time.GetTimestamp();
    private TimeSpan _first = options.ProbeInitial;

    /// <summary>Runs until cancelled. The lanes follow the gate.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (gate.State.IsOpen)
            {
                _opened = time.GetTimestamp();
                await OpenLanesAsync(cancellation);
                await WatchAsync(cancellation);
            }

            lanes.Close();
            _first = time.GetElapsedTime(_opened) < Steady ? Double(_first) : options.ProbeInitial;
            await ProbeUntilGoodAsync(cancellation);
            gate.Open();
        }
    }

    private async Task OpenLanesAsync(CancellationToken cancellation)
    {
        try
        {
            await lanes.OpenAsync(cancellation);
        }
        catch (DependencyException error)
        {
            gate.Close(error);
        }
    }

    /// <summary>Returns once the gate is closed, and closes it if the lanes have been in trouble for too long.</summary>
    private async Task WatchAsync(CancellationToken cancellation)
    {
        long? trouble = null;
        var closed = gate.WhenClosedAsync(cancellation);
        while (!closed.IsCompleted)
        {
            try
            {
                await closed.WaitAsync(WatchEvery, time, cancellation);
            }
            catch (TimeoutException)
            {
                trouble = lanes.Problem is null ? null : trouble ?? time.GetTimestamp();
                if (trouble is { } since && time.GetElapsedTime(since) >= Patience)
                    gate.Close(Dependency.Results, $"messages can't be taken: {lanes.Problem}");
            }
        }
    }

    private async Task ProbeUntilGoodAsync(CancellationToken cancellation)
    {
        var pause = _first;
        for (var successes = 0; successes < options.ProbesToReopen;)
        {
            await Task.Delay(pause * (0.75 + (0.5 * Random.Shared.NextDouble())), time, cancellation);
            if (await ProbeAsync(cancellation))
            {
                successes++;
                pause = options.ProbeInitial;
            }
            else
            {
                successes = 0;
                pause = Double(pause);
            }
        }
    }

    private async Task<bool> ProbeAsync(CancellationToken cancellation)
    {
        var good = true;
        foreach (var dependency in gate.State.Failures.Keys)
        {
            if (!probes.TryGetValue(dependency, out var probe))
                return false;
            try
            {
                await probe(cancellation);
            }
            catch (DependencyException error)
            {
                gate.Close(dependency, error.Message);
                good = false;
            }
            catch (TopologyException error)
            {
                gate.Close(dependency, error.Message);
                good = false;
            }
            catch (Exception error) when (error is not OperationCanceledException || !cancellation.IsCancellationRequested)
            {
                Log.ProbeFailed(logger, dependency, error);
                good = false;
            }
        }

        return good;
    }

    private TimeSpan Double(TimeSpan pause) => pause + pause < options.ProbeMaximum ? pause + pause : options.ProbeMaximum;
}
