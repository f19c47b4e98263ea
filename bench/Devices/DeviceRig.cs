using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using VlWorker.Batching;
using VlWorker.Batching.Steering;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Hosting;
using VlWorker.Inference;
using VlWorker.Telemetry;
using VlWorker.Telemetry.Gpu;

namespace VlWorker.Bench.Devices;

/// <summary>A device of a rig, and the folder that it runs; null for the one of all.</summary>
internal sealed record RigDevice(DeviceOptions Options, string? Folder)
{
    /// <summary>Name, then MaxBatch, streams and folder where they are not the defaults, as in cuda:0,256,2,models/for-cuda.</summary>
    public static RigDevice Parse(string text)
    {
        var parts = text.Split(',', 4);
        int Number(int place) => parts.Length > place ? int.Parse(parts[place], CultureInfo.InvariantCulture) : 0;
        return new RigDevice(new DeviceOptions { Name = parts[0], MaxBatch = Number(1), Streams = Number(2) }, parts.Length > 3 ? parts[3] : null);
    }
}

/// <summary>One model on some devices behind a batcher, as the worker sets them up; images are prepared beforehand.</summary>
internal sealed partial class DeviceRig : IDisposable
{
    private const string Alias = "model";

    private readonly WorkerMetrics _metrics = new(Metrics.NewCustomRegistry());
    private readonly ModelRegistry _registry;
    private readonly DynamicBatcher _batcher;
    private readonly DeviceRunner _runner;
    private readonly IModel _model;
    private readonly int _inFlight;

    /// <summary>Loads the model on every device; lets batches be steered, if it is said how.</summary>
    public DeviceRig(string folder, IReadOnlyList<RigDevice> devices, SteeringOptions? steering = null)
    {
        var batching = new BatchingOptions();
        var options = new InferenceOptions
        {
            Models = [.. devices.Select(device => new ModelOptions
            {
                Alias = Alias, Folder = device.Folder ?? folder, Devices = [device.Options.Name], AllowMixedRevisions = true,
            })],
            Devices = [.. devices.Select(device => device.Options)],
        };
        _registry = new ModelSetup(options, batching, _metrics, TimeProvider.System, NullLogger.Instance).Load();
        _model = _registry.All[0];
        _batcher = new DynamicBatcher(batching, TimeProvider.System);
        Gpus = new GpuMonitor(_metrics, NullLogger<GpuMonitor>.Instance);
        Gpus.Open(CudaDevice.Places(devices.Select(device => device.Options.Name)));
        var loop = steering is null ? null : new SteeringLoop(steering, Gpus.Utilization, TimeProvider.System, _metrics, NullLogger<SteeringLoop>.Instance);
        _runner = new DeviceRunner(_batcher, _registry.Devices, batching, TimeProvider.System, _metrics, loop);
        // Two batches for each stream: one runs, the next one fills.
        _inFlight = 2 * _registry.Devices.Sum(device => device.Streams * device.MaxBatch);
    }

    /// <summary>What the GPUs say of themselves.</summary>
    public GpuMonitor Gpus { get; }

    /// <summary>Starts the devices, after a warm-up or without.</summary>
    public void Start(bool warm)
    {
        if (warm)
            _runner.WarmUp(CancellationToken.None);
        _runner.Start();
    }

    /// <summary>Runs so many rows, in turn of the images; returns the seconds and each row's result as text.</summary>
    public async Task<(double Seconds, string[] Results)> RunAsync(IReadOnlyList<byte[]> images, int count)
    {
        var results = new string[count];
        var started = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = _inFlight }, async (i, token) =>
        {
            var outcome = await _batcher.SubmitAsync(Input(images[i % images.Count]), _model, new RowTerms(BatchPriority.Backfill), token);
            results[i] = outcome.Outcome is CaptionOutcome caption ? string.Join(' ', caption.Sequences[0].TokenIds) : Rounded((EmbeddingOutcome)outcome.Outcome);
        });
        return (Stopwatch.GetElapsedTime(started).TotalSeconds, results);
    }

    /// <summary>Runs rows until it is cancelled, in turn of the images, with the device always full; tells of each row's batch.</summary>
    public async Task RunAsync(IReadOnlyList<byte[]> images, Action<BatchedOutcome> done, CancellationToken cancellation)
    {
        await Task.WhenAll(Enumerable.Range(0, _inFlight).Select(async first =>
        {
            for (var i = first; !cancellation.IsCancellationRequested; i += _inFlight)
                done(await _batcher.SubmitAsync(Input(images[i % images.Count]), _model, new RowTerms(BatchPriority.Backfill), CancellationToken.None));
        }));
    }

    /// <summary>Decodes and resizes files for the model.</summary>
    public async Task<IReadOnlyList<byte[]>> PrepareAsync(IReadOnlyList<string> files)
    {
        var decoder = new ImageDecoder(new DecodingOptions());
        var prepared = new List<byte[]>();
        foreach (var file in files)
        {
            var decoded = await decoder.DecodeAsync(await File.ReadAllBytesAsync(file), [_model.Images!.Resize], CancellationToken.None);
            using var pixels = decoded.Prepared[0];
            if (pixels.Width != pixels.Height)
                throw new NotSupportedException("a model whose images differ in shape");
            prepared.Add(pixels.Rgb.ToArray());
        }

        return prepared;
    }

    /// <summary>A metric's values by device.</summary>
    public async Task<IReadOnlyDictionary<string, double>> ByDeviceAsync(string metric)
    {
        using var text = new MemoryStream();
        await _metrics.Registry.CollectAndExportAsTextAsync(text);
        return Sample().Matches(Encoding.UTF8.GetString(text.ToArray())).Where(match => match.Groups["name"].Value == metric)
            .ToDictionary(match => match.Groups["device"].Value, match => double.Parse(match.Groups["value"].ValueSpan, CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        _runner.Dispose();
        _batcher.Dispose();
        _registry.Dispose();
    }

    private ImageInput Input(byte[] rgb)
    {
        var buffer = new PooledBuffer(rgb.Length);
        rgb.CopyTo(buffer.Span);
        var side = (int)Math.Sqrt(rgb.Length / 3);
        return new ImageInput(_model.Tasks[0], new PreparedPixels(side, side, buffer, null), _model.Resolve(null));
    }

    private static string Rounded(EmbeddingOutcome outcome) => string.Join(' ', outcome.Values.Select(value => value.ToString("0.00", CultureInfo.InvariantCulture)));

    [GeneratedRegex("""^(?<name>\w+)\{(model="model",)?device="(?<device>[^"]+)"\} (?<value>\S+)$""", RegexOptions.Multiline)]
    private static partial Regex Sample();
}
