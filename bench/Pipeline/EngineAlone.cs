using System.Diagnostics;
using Prometheus;
using VlWorker.Batching;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.Telemetry;

namespace VlWorker.Bench.Pipeline;

/// <summary>The worker's decoder, batcher and engine in this process, without broker and store: from encoded bytes to captions, or to embeddings where the model makes those.</summary>
internal sealed class EngineAlone : IDisposable
{
    private readonly IModel _model;
    private readonly ImageDecoder _decoder = new(new DecodingOptions());
    private readonly DynamicBatcher _batcher;
    private readonly DeviceRunner _runner;

    public EngineAlone(
        string modelFolder, int maxBatch, int threads = 1, ModelPrecision precision = ModelPrecision.Auto, BatchingOptions? batching = null)
    {
        _model = ModelLoader.Load("captioner", modelFolder, new ModelOptions { IntraOpThreads = threads, Precision = precision });
        var options = batching ?? new BatchingOptions();
        var device = new Device("cpu", Math.Max(1, Environment.ProcessorCount / threads), maxBatch, [_model]);
        _batcher = new DynamicBatcher(options, TimeProvider.System);
        _runner = new DeviceRunner(_batcher, [device], options, TimeProvider.System, new WorkerMetrics(Metrics.NewCustomRegistry()));
        _runner.WarmUp(CancellationToken.None);
        _runner.Start();
    }

    /// <summary>Captions that many images with that many in flight; returns the seconds it took.</summary>
    public async Task<double> RunAsync(IReadOnlyList<byte[]> images, int count, int inFlight)
    {
        var next = -1;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;)
                await CaptionAsync(images[i % images.Count]);
        })));
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>Captions or embeds all images once with that many in flight; returns the seconds it took and the captions, which are empty for embeddings.</summary>
    public async Task<(double Seconds, List<string> Captions)> CaptionAllAsync(IReadOnlyList<byte[]> images, int inFlight)
    {
        var (next, captions) = (-1, new string[images.Count]);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < images.Count;)
                captions[i] = await CaptionAsync(images[i]);
        })));
        return (clock.Elapsed.TotalSeconds, [.. captions]);
    }

    /// <summary>Decodes and captions one image, or embeds it; returns the caption.</summary>
    public async Task<string> CaptionAsync(byte[] image, BatchPriority priority = BatchPriority.Backfill)
    {
        var decoded = await _decoder.DecodeAsync(image, [_model.Images!.Resize], CancellationToken.None);
        var input = new ImageInput(_model.Tasks[0], decoded.Prepared[0], _model.Resolve(null));
        var outcome = await _batcher.SubmitAsync(input, _model, new RowTerms(priority), CancellationToken.None);
        return outcome.Outcome is CaptionOutcome caption ? caption.Sequences[0].Text : string.Empty;
    }

    public void Dispose()
    {
        _runner.Dispose();
        _batcher.Dispose();
        _model.Dispose();
    }
}
