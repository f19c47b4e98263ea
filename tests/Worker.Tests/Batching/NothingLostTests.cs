using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Prometheus;
using VlWorker.Batching;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Telemetry;

namespace VlWorker.Worker.Tests.Batching;

/// <summary>Real threads, several devices, and all that can go wrong at once: every row gets its own answer, once.</summary>
public sealed class NothingLostTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Property(MaxTest = 40)]
    public Property Every_row_is_settled_once_with_its_own_answer() => Prop.ForAll(Cases().ToArbitrary(), Check);

    [Fact]
    public async Task A_lost_device_ends_the_work_of_all_and_leaves_no_row_unsettled()
    {
        using var started = new ManualResetEventSlim();
        var lost = new StubModel(_ =>
        {
            started.Wait(Limit);
            throw new DeviceLostException("CUDA failure 719");
        });
        using var batcher = new DynamicBatcher(new BatchingOptions { MaxWaitMs = 0 }, TimeProvider.System);
        using var runner = Runner(batcher, [new Device("cuda:0", 1, 1, [lost])]);
        runner.Start();
        var rows = Enumerable.Range(0, 50).Select(_ => new StubInput()).ToArray();
        var tasks = rows.Select(row => batcher.SubmitAsync(row, lost, new RowTerms(BatchPriority.Interactive), CancellationToken.None)).ToArray();
        started.Set();

        var reason = await runner.Lost.WaitAsync(Limit);

        Assert.Contains("cuda:0 is lost", reason.Message, StringComparison.Ordinal);
        foreach (var task in tasks)
            Assert.Equal(Dependency.Device, (await Assert.ThrowsAsync<DependencyException>(() => task)).Dependency);
        await Assert.ThrowsAsync<DependencyException>(
            () => batcher.SubmitAsync(new StubInput(), lost, new RowTerms(BatchPriority.Interactive), CancellationToken.None));
        Assert.All(rows, row => Assert.Equal(1, row.Disposals));
        Assert.True(runner.Stop(Limit));
    }

    private static void Check(Plan plan) => RunAsync(plan).GetAwaiter().GetResult();

    private static async Task RunAsync(Plan plan)
    {
        using var batcher = new DynamicBatcher(new BatchingOptions { MaxWaitMs = 1, BackfillAgeMs = 5 }, TimeProvider.System);
        using var runner = Runner(
            batcher, [.. plan.Devices.Select((device, i) => new Device($"cpu:{i}", device.Streams, device.MaxBatch, [Model(device)]))]);
        runner.Start();
        using var cancellation = new CancellationTokenSource();
        var model = new StubModel();
        var rows = Enumerable.Range(0, plan.Rows).Select(i => new StubInput(Name(i))).ToArray();
        var tasks = rows.Select((row, i) => Task.Run(() => batcher.SubmitAsync(
            row, model, new RowTerms((BatchPriority)(i % 2), null, $"job {i % 5}"), i % 7 == 0 ? cancellation.Token : CancellationToken.None))).ToArray();
        await cancellation.CancelAsync();
        for (var i = 0; i < tasks.Length; i++)
            await AssertAnswerAsync(rows[i], tasks[i], plan, mayBeCancelled: i % 7 == 0);

        Assert.True(runner.Stop(Limit));
        Assert.All(rows, row => Assert.Equal(1, row.Disposals));
        Assert.Equal(0, batcher.Waiting);
    }

    private static async Task AssertAnswerAsync(StubInput row, Task<BatchedOutcome> task, Plan plan, bool mayBeCancelled)
    {
        try
        {
            var outcome = (EmbeddingOutcome)(await task.WaitAsync(Limit)).Outcome;
            Assert.False(row.Name.EndsWith("bad", StringComparison.Ordinal));
            Assert.Equal(row.Name.GetHashCode(StringComparison.Ordinal), BitConverter.SingleToInt32Bits(outcome.Values[0]));
        }
        catch (TransientException)
        {
            Assert.True(row.Name.EndsWith("bad", StringComparison.Ordinal) || plan.Devices.Any(device => device.Broken || device.Fits == 0));
        }
        catch (OperationCanceledException)
        {
            Assert.True(mayBeCancelled);
        }
    }

    private static StubModel Model(PlannedDevice device) => new(inputs =>
    {
        InferenceOutcome[] answers = [.. inputs.Select(input => Answer(((StubInput)input).Name))];
        for (var i = 0; device.Tells > 0 && i < answers.Length; i += device.Tells)
            inputs[i].OnOutcome?.Invoke(answers[i]);
        if (device.Broken)
            throw new InvalidOperationException("every batch fails here");
        if (inputs.Count > device.Fits)
            throw new OutOfDeviceMemoryException("no memory");
        Assert.All(inputs, input => Assert.Equal(0, ((StubInput)input).Disposals));
        return answers;
    });

    private static InferenceOutcome Answer(string name) => name.EndsWith("bad", StringComparison.Ordinal)
        ? new FailedOutcome(new InvalidOperationException("bad row"))
        : new EmbeddingOutcome([BitConverter.Int32BitsToSingle(name.GetHashCode(StringComparison.Ordinal))]);

    private static string Name(int i) => i % 11 == 3 ? $"{i} bad" : $"{i}";

    private static DeviceRunner Runner(DynamicBatcher batcher, IReadOnlyList<Device> devices) =>
        new(batcher, devices, new BatchingOptions(), TimeProvider.System, new WorkerMetrics(Metrics.NewCustomRegistry()));

    private static Gen<Plan> Cases() =>
        from rows in Gen.Choose(1, 300)
        from count in Gen.Choose(1, 3)
        from devices in Device().ListOf(count)
        select new Plan(rows, [.. devices]);

    private static Gen<PlannedDevice> Device() =>
        from streams in Gen.Choose(1, 3)
        from most in Gen.Elements(1, 3, 16, 64)
        from fits in Gen.Elements(0, 1, 5, 64, 64, 64)
        from broken in Gen.Elements(true, false, false, false)
        from tells in Gen.Elements(0, 1, 3)
        select new PlannedDevice(streams, most, fits, broken, tells);

    private sealed record Plan(int Rows, IReadOnlyList<PlannedDevice> Devices)
    {
        public override string ToString() => $"{Rows} rows on {string.Join(", ", Devices)}";
    }

    /// <param name="Tells">Every so many rows one is answered before the batch ends, or fails; 0: none.</param>
    private sealed record PlannedDevice(int Streams, int MaxBatch, int Fits, bool Broken, int Tells);
}
