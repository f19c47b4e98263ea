using Microsoft.Extensions.Time.Testing;
using Prometheus;
using VlWorker.Batching;
using VlWorker.Inference;
using VlWorker.Telemetry;
using VlWorker.Worker.Tests.Telemetry;

namespace VlWorker.Worker.Tests.Batching;

public sealed class IdleTrimTests : IDisposable
{
    private static readonly TimeSpan After = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly FakeTimeProvider _time = new();
    private readonly WorkerMetrics _metrics = new(Metrics.NewCustomRegistry());
    private readonly CancellationTokenSource _stop = new();

    public void Dispose() => _stop.Dispose();

    [Theory]
    [InlineData("cpu", 5, 1)]
    [InlineData("cpu", 0, 0)]
    [InlineData("cuda:0", 5, 0)]
    public async Task A_processor_that_has_worked_and_then_idles_gives_memory_back_once(string device, int minutes, int trims)
    {
        var trim = Trim(device, TimeSpan.FromMinutes(minutes));
        trim.Wait(Task.FromResult<Batch?>(null), _stop.Token);
        var next = new TaskCompletionSource<Batch?>();
        var waiting = Task.Run(() => trim.Wait(next.Task, _stop.Token));

        await AdvanceUntilAsync(async () => trims == 0 || await Trims() == trims);
        _time.Advance(After + After);
        next.SetResult(null);

        Assert.Null(await waiting.WaitAsync(Limit));
        Assert.Equal(trims, await Trims());
    }

    [Fact]
    public async Task What_has_not_worked_has_nothing_to_give_back()
    {
        var next = new TaskCompletionSource<Batch?>();
        var waiting = Task.Run(() => Trim("cpu", After).Wait(next.Task, _stop.Token));

        _time.Advance(After + After);
        next.SetResult(null);

        Assert.Null(await waiting.WaitAsync(Limit));
        Assert.Equal(0, await Trims());
    }

    private IdleTrim Trim(string device, TimeSpan after) =>
        new(new DeviceLoad(new Device(device, 1, 4, [new StubModel()]), new BatchingOptions(), _time), after, _time, _metrics);

    private async Task<double> Trims()
    {
        var line = (await MetricsPage.ScrapeAsync(_metrics.Registry)).Split('\n').Single(line => line.StartsWith("vlworker_memory_trims_total ", StringComparison.Ordinal));
        return double.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private async Task AdvanceUntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            _time.Advance(After);
            await Task.Yield();
        }
    }
}
