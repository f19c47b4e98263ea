using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>
/// One batch's way over the GPU: a stream, the graphs with their weights, and memory for the largest batch. While one lane's batch runs, another
/// lane's is written and queued. Used by one thread at a time.
/// </summary>
/// <typeparam name="TInput">What an image's row brings.</typeparam>
internal sealed class CaptionLane<TInput> : IDisposable
{
    private readonly CudaSettings _settings;
    private readonly CudaStream _stream;
    private readonly CudaSession _greedy;
    private readonly IEncoderStage<TInput> _stage;
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
    /// <param name="encoder">Makes the encoder.</param>
    /// <param name="turn">Shared by a model's lanes; null where they run at the same time.</param>
    public CaptionLane(CaptionGraphs graphs, CudaSettings settings, MakeStage<TInput> encoder, DeviceTurn? turn)
    {
        _turn = turn;
        (_settings, Sizes) = (settings, new BatchSizes(settings));
        (_tokens, _generator) = (graphs.Tokens, new Generator(graphs.Tokens));
        var made = new Stack<IDisposable>();
        try
        {
            made.Push(_stream = new CudaStream());
            made.Push(_mark = new CudaEvent(false));
            made.Push(_greedy = new CudaSession(graphs.Greedy, _stream, settings));
            var shapes = CaptionShapes.Of(_greedy);
            _search = new DeviceSearch(graphs.Tokens, shapes.Ngrams);
            made.Push(_stage = encoder(_stream, shapes, settings));
            _plans = new SearchPlans(graphs, settings, _stream, _greedy, shapes, _stage.Cross);
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

    /// <summary>Positions of the encoder's states, of the last batch.</summary>
    public int Positions => _stage.Positions;

    /// <summary>Runs every size once and records it: the largest first, so that the memory for it is there or its lack is known.</summary>
    /// <param name="beams">Beams that a request has by default.</param>
    /// <param name="steps">Steps that a request has by default.</param>
    public void Prepare(int beams, int steps) => _stream.OnThread(() =>
    {
        var plan = Plan(beams, steps, _settings.MaxBatch);
        for (var i = Sizes.All.Count - 1; i >= 0; i--)
            Prepare(plan, Sizes.All[i], Math.Min(steps, _settings.RecordedSteps));
    });

    /// <summary>Milliseconds that the encoder takes, its input's way over included, and a step.</summary>
    public (double Encoder, double Step) Stages(int size, int steps)
    {
        var plan = Plan(1, steps, size);
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
        var plan = Plan(beams, step + 1, size);
        _stage.QueuePlain(size);
        plan.QueuePlain(size, step);
        _stream.Synchronize();
    }

    /// <summary>Runs a batch; see <see cref="CaptionLanes{TInput}.Run"/>.</summary>
    public void Run(TInput[] inputs, RowRequest[] rows, RowResult[] results, CancellationToken cancellation) =>
        _stream.OnThread(() =>
        {
            try
            {
                foreach (var together in _stage.Take(inputs))
                {
                    int[] places = [.. together.OrderByDescending(place => GivenTokens.Count(rows[place], _tokens))];
                    var found = new RowResult[places.Length];
                    _stage.Write(places);
                    RunWritten([.. places.Select(place => rows[place])], found, cancellation);
                    for (var i = 0; i < places.Length; i++)
                        results[places[i]] = found[i];
                }
            }
            finally
            {
                _stage.Release();
            }
        });

    /// <inheritdoc/>
    public void Dispose()
    {
        Settle();
        _plans.Dispose();
        _stage.Dispose();
        _greedy.Dispose();
        _mark.Dispose();
        _stream.Dispose();
    }

    private SearchPlan Plan(int beams, int steps, int rows)
    {
        var plan = _plans.Find(beams, steps, rows);
        plan.CrossPositions = _stage.Positions;
        return plan;
    }

    private void RunWritten(RowRequest[] rows, RowResult[] results, CancellationToken cancellation)
    {
        var (beams, longest, onDevice) = (rows[0].Parameters.NumBeams, DeviceSearch.Steps(rows), Array.TrueForAll(rows, _search.Fits));
        var size = onDevice ? Sizes.Choose(rows.Length) : rows.Length;
        var plan = Plan(beams, longest, size);
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
            {
                _stage.RecordIfUsed(size);
                plan.RecordIfUsed(size, Math.Min(longest, _settings.RecordedSteps));
            }

            _stage.Queue(size);
            if (!onDevice)
                _generator.Run(_plans.Host(plan), new HiddenStates(rows.Length, _stage.Positions, 0), rows, results, cancellation);
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

/// <summary>Makes a lane's encoder.</summary>
/// <param name="stream">The lane's.</param>
/// <param name="shapes">Of the decoder.</param>
/// <param name="settings">How it runs, and the largest batch.</param>
internal delegate IEncoderStage<TInput> MakeStage<TInput>(CudaStream stream, CaptionShapes shapes, CudaSettings settings);
