using VlWorker.Contracts;
using VlWorker.Demo;
using VlWorker.Inference;
using VlWorker.Inference.OnDemand;

namespace VlWorker.Bench.Gpu.Swapping;

/// <summary>A whole worker on a GPU with two captioners of full size on demand, asked for in turn.</summary>
/// <param name="model">The captioner's folder.</param>
/// <param name="device">The GPU.</param>
/// <param name="maxBatch">Rows of a batch.</param>
internal sealed class SwappingWorker(string model, DeviceName device, int maxBatch)
{
    private static readonly string[] Aliases = ["first", "second"];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Bytes that each of them takes, as measured at the start.</summary>
    public double BytesOfOne { get; private set; }

    /// <summary>Asks for captions by either model in turn and waits until both are unloaded for want of work.</summary>
    /// <param name="images">How many.</param>
    /// <param name="room">Bytes for both; 0: all that is free.</param>
    /// <returns>A line of the report, and the bytes in use after all of it.</returns>
    /// <exception cref="InvalidOperationException">A request got no result.</exception>
    public async Task<(string Line, long After)> RunAsync(int images, long room)
    {
        string[] settings =
        [
            $"--Inference:Devices:0:Name={device}", $"--Inference:Devices:0:MaxBatch={maxBatch}", "--Inference:Devices:0:Streams=2",
            .. Aliases.SelectMany((alias, i) => new[]
            {
                $"--Inference:Models:{i}:Alias={alias}", $"--Inference:Models:{i}:Folder={model}", $"--Inference:Models:{i}:Load=OnDemand",
            }),
            $"--Inference:ModelMemoryBytes={room}", "--Inference:ModelIdle=00:00:01", $"--Batching:MaxBatch={maxBatch}", $"--Consuming:BackfillPrefetch={8 * maxBatch}",
        ];
        await using var worker = await EmbeddedWorker.StartAsync(EmbeddedWorker.Options(settings, Repository.Samples), CancellationToken.None);
        await using var clients = await Clients.ConnectAsync(worker);
        var before = DeviceMemory.InUse(device);
        var most = before;
        using var over = new CancellationTokenSource();
        var watch = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                most = Math.Max(most, DeviceMemory.InUse(device));
                await Task.Delay(TimeSpan.FromMilliseconds(20));
            }
        });
        var keys = Repository.Photos;
        var begun = Throughput.Start();
        await clients.AskAsync(images, 8 * maxBatch, i => new DescribeImage
        {
            Tasks = [Tasks.Caption],
            Models = new Dictionary<string, string> { [Tasks.Caption] = Aliases[i % 2] },
            Image = new ImageReference { Bucket = EmbeddedWorker.Bucket, Key = keys[i % keys.Length] },
        });
        var rate = begun.Stop(images).PerSecond;
        if (room == 0)
            BytesOfOne = (await StageTimes.TextAsync(worker.Metrics)).Sum("vlworker_model_bytes") / Aliases.Length;
        await Waiting.UntilAsync(async () => (await StageTimes.TextAsync(worker.Metrics)).Sum("vlworker_model_bytes") == 0, TimeSpan.FromMilliseconds(50), Patience);
        await over.CancelAsync();
        await watch;
        var after = DeviceMemory.InUse(device);
        var metrics = await StageTimes.TextAsync(worker.Metrics);
        var took = metrics.Sum("vlworker_model_load_seconds") / Aliases.Length;
        return (
            FormattableString.Invariant($"Room: {(room == 0 ? "all that is free" : $"{room / 1e6:0} MB")}. {images} of {images} answered, {rate:0} images/s, ")
                + FormattableString.Invariant($"{metrics.Sum("vlworker_model_loads_total"):0} loads of {took:0.0} s; in use {before / 1e6:0} MB before, ")
                + FormattableString.Invariant($"{most / 1e6:0} at most, {after / 1e6:0} after both were idle."),
            after);
    }
}
