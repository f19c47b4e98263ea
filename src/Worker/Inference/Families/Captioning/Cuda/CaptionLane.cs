using System.Numerics;
using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>
/// One batch's way over the GPU: a stream, the graphs with their weights, and memory for the largest batch. While one lane's batch runs, another
/// lane's is written and queued. Used by one thread at a time.
/// </summary>
internal sealed class CaptionLane : IDisposable
{
    // Measured on ViT-base, 197 positions an image: chunks of 64 or 128 images are not faster than 256.
    private const int ChunkPositions = 256 * 197;

    private readonly CudaSettings _settings;
    private readonly CudaStream _stream;
    private readonly CudaSession _encoder;
    private readonly CudaSession _greedy;
    private readonly EncoderStage _stage;
    private readonly CaptionShapes _shapes;
    private readonly GenerationTokens _tokens;
    private readonly DeviceSearch _search;
    private readonly Generator _generator;
    private readonly DeviceTurn? _turn;
    private readonly CudaEvent _mark;
    private readonly SearchPlans _plans;

    /// <summary>Loads the graphs and takes memory for batches of <see cref="CudaSettings.MaxBatch"/>.</summary>
    /// <exception cref="OutOfDeviceMemoryException">They do not fit.</exception>
    /// <param name="graphs">The graphs.</param>
    /// <param name="settings">How they run.</param>
    /// <param name="turn">Shared by a model's lanes; null where they run at the same time.</param>
    public CaptionLane(CaptionGraphs graphs, CudaSettings settings, DeviceTurn? turn)
    {
        _turn = turn;
        (_settings, Sizes) = (settings, new BatchSizes(settings));
        (_tokens, _search, _generator) = (graphs.Tokens, new DeviceSearch(graphs.Tokens), new Generator(graphs.Tokens));
        var made = new Stack<IDisposable>();
        try
        {
            made.Push(_stream = new CudaStream());
            made.Push(_mark = new CudaEvent(false));
            made.Push(_encoder = new CudaSession(graphs.Encoder, _stream, settings));
            made.Push(_greedy = new CudaSession(graphs.Greedy, _stream, settings));
            _shapes = CaptionShapes.Of(_encoder, _greedy);
            var writer = graphs.Writer(_shapes);
            made.Push(_stage = new EncoderStage(_encoder, _stream, _shapes, writer, settings.MaxBatch, Chunk(settings, _shapes.Positions)));
            _plans = new SearchPlans(graphs, settings, _stream, _greedy, _shapes, _stage.Cross);
        }
        catch
        {
            foreach (var part in made)
                part.Dispose();
            throw;
        }
    }

    /// <summary>The sizes that batches are padded to, and what each takes.</summary>
    public BatchSizes Sizes { get; }

    /// <summary>Runs every size once and records it: the largest first, so that the memory for it is there or its lack is known.</summary>
    /// <param name="beams">Beams that a request has by default.</param>
    /// <param name="steps">Steps that a request has by default.</param>
    public void Prepare(int beams, int steps)
    {
        var plan = _plans.Find(beams, steps, _settings.MaxBatch);
        for (var i = Sizes.All.Count - 1; i >= 0; i--)
            Prepare(plan, Sizes.All[i], Math.Min(steps, _settings.RecordedSteps));
    }

    /// <summary>Milliseconds that the encoder takes, its input's way over included, and a step.</summary>
    public (double Encoder, double Step) Stages(int size, int steps)
    {
        var plan = _plans.Find(1, steps, size);
        double Time(Action queue) => BatchSizes.Time(() =>
        {
            queue();
            _stream.Synchronize();
        });
        void All()
        {
            for (var step = 0; step < steps; step++)
                plan.Queue(size, step);
        }

        void Encode()
        {
            _stage.Upload(size);
            _stage.Queue(size);
        }

        Time(Encode);
        var encoder = Enumerable.Range(0, 9).Select(_ => Time(Encode)).Order().ElementAt(4);
        Time(All);
        return (encoder, Enumerable.Range(0, 9).Select(_ => Time(All)).Order().ElementAt(4) / steps);
    }

    /// <summary>Runs the encoder and one step by themselves, kernel by kernel, for a profiler.</summary>
    public void Once(int size, int beams, int step)
    {
        var plan = _plans.Find(beams, step + 1, size);
        _stage.QueuePlain(size);
        plan.QueuePlain(size, step);
        _stream.Synchronize();
    }

    /// <summary>Captions images; see <see cref="ICaptionEngine.Run"/>.</summary>
    public void Run(PreparedPixels[] images, RowRequest[] rows, RowResult[] results, CancellationToken cancellation)
    {
        var order = Enumerable.Range(0, rows.Length).OrderByDescending(i => GivenTokens.Count(rows[i], _tokens)).ToArray();
        var found = new RowResult[rows.Length];
        RunOrdered([.. order.Select(i => images[i])], [.. order.Select(i => rows[i])], found, cancellation);
        for (var i = 0; i < order.Length; i++)
            results[order[i]] = found[i];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Settle();
        _plans.Dispose();
        _stage.Dispose();
        _greedy.Dispose();
        _encoder.Dispose();
        _mark.Dispose();
        _stream.Dispose();
    }

    private void RunOrdered(PreparedPixels[] images, RowRequest[] rows, RowResult[] results, CancellationToken cancellation)
    {
        var (beams, longest, onDevice) = (rows[0].Parameters.NumBeams, DeviceSearch.Steps(rows), Array.TrueForAll(rows, _search.Fits));
        var size = onDevice ? Sizes.Choose(images.Length) : images.Length;
        var plan = _plans.Find(beams, longest, size);
        _stage.Write(images);
        _stage.Upload(size);
        var mine = true;
        void Queued()
        {
            mine = false;
            _turn?.Leave(_stream, _mark);
        }

        _turn?.Enter(_stream);
        try
        {
            if (onDevice && _settings.Record && Sizes.All.Contains(size))
                plan.RecordIfUsed(size, Math.Min(longest, _settings.RecordedSteps));
            _stage.Queue(size);
            if (!onDevice)
                _generator.Run(_plans.Host(plan), new HiddenStates(images.Length, _shapes.Positions, 0), rows, results, cancellation);
            else if (plan is GreedyPlan greedy)
                _search.Greedy(greedy, size, rows, results, Queued, cancellation);
            else
                _search.Beams((BeamPlan)plan, size, rows, results, Queued, cancellation);
        }
        catch
        {
            // What was queued still writes; the next batch must find the lane at rest.
            Settle();
            throw;
        }
        finally
        {
            if (mine)
                Queued();
        }
    }

    private void Prepare(SearchPlan plan, int size, int steps)
    {
        void Once(bool recorded)
        {
            _stage.Upload(size);
            if (recorded)
                _stage.Queue(size);
            else
                _stage.QueuePlain(size);
            for (var step = 0; step < steps; step++)
            {
                if (recorded)
                    plan.Queue(size, step);
                else
                    plan.QueuePlain(size, step);
            }

            _stream.Synchronize();
        }

        // The first run chooses kernels and takes memory.
        Once(false);
        var plain = BatchSizes.Time(() => Once(false));
        if (!_settings.Record)
        {
            Sizes.Measured(size, plain, double.PositiveInfinity);
            return;
        }

        _stage.Record(size);
        plan.Record(size, steps);
        Once(true);
        Sizes.Measured(size, plain, BatchSizes.Time(() => Once(true)));
    }

    // A power of two, as the sizes of large batches are multiples of those.
    private static int Chunk(CudaSettings settings, int positions) =>
        settings.EncoderChunk > 0 ? settings.EncoderChunk : 1 << BitOperations.Log2((uint)Math.Max(1, ChunkPositions / positions));

    private void Settle()
    {
        try
        {
            _stream.Synchronize();
        }
        catch (Exception error) when (error is DeviceLostException or OutOfDeviceMemoryException or InvalidOperationException)
        {
            // The failure that led here says it better.
        }
    }
}
