using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using VlWorker.Batching;
using VlWorker.Hosting;
using VlWorker.Inference;
using VlWorker.Inference.OnDemand;
using VlWorker.ModelKit.Conversion;
using VlWorker.Telemetry;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Bench.Gpu.Swapping;

/// <summary>A tiny model of each family that is loaded on a device, runs its largest batch and is unloaded, again and again: what does it leave?</summary>
internal sealed class FamilySwaps(DeviceName device, int maxBatch, int cycles)
{
    private const double Megabyte = 1e6;

    /// <summary>Megabytes by which the last cycles' mean may be above the first ones': what the driver hands out at a time.</summary>
    private const double Grain = 2.2;

    /// <summary>The table, and whether nothing grows.</summary>
    public (string Table, bool Good) Run()
    {
        var (rows, good) = (new List<string> { "| model | measured at the start, MB | in use while loaded, MB | left after each unload, MB |", "|---|---|---|---|" }, true);
        foreach (var fixture in GpuFidelityCommand.Fixtures.Append("smolvlm"))
        {
            var (row, fine) = Cycle(fixture);
            rows.Add(row);
            good &= fine;
        }

        return (string.Join('\n', rows), good);
    }

    private (string Row, bool Good) Cycle(string fixture)
    {
        var folder = ConvertedFolder.Make(
            FixtureArchive.Extract(fixture), device.Kind, device.Kind == DeviceKind.Cuda ? ConversionPrecision.Fp16 : ConversionPrecision.Fp32);
        var options = new InferenceOptions
        {
            Models = [new ModelOptions { Alias = fixture, Folder = folder, Load = ModelLoad.OnDemand }],
            Devices = [new DeviceOptions { Name = device.ToString(), MaxBatch = maxBatch, Streams = 2 }],
        };
        using var registry = new ModelSetup(
            options, new BatchingOptions(), new WorkerMetrics(Metrics.NewCustomRegistry()), TimeProvider.System, NullLogger.Instance).Load();
        var copy = (OnDemandCopy)registry.All[0];
        using var samples = new SampleRows(copy);
        var (loaded, left) = (new List<double>(), new List<double>());
        for (var cycle = 0; cycle < cycles; cycle++)
        {
            copy.Load();
            foreach (var sample in samples.All)
                _ = copy.Run([.. Enumerable.Repeat(sample, maxBatch)], CancellationToken.None);
            loaded.Add(DeviceMemory.InUse(device) / Megabyte);
            copy.Unload();
            left.Add(DeviceMemory.InUse(device) / Megabyte);
        }

        var third = Math.Max(1, cycles / 3);
        var row = FormattableString.Invariant($"| {fixture} | {copy.Bytes / Megabyte:0} | {loaded.Min():0} to {loaded.Max():0} | ")
            + string.Join(", ", left.Select(one => FormattableString.Invariant($"{one:0}"))) + " |";
        return (row, left[^third..].Average() - left[..third].Average() < Grain);
    }
}
