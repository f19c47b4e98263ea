using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>
/// One batch's way over the GPU: a stream, the graphs with their weights, and memory. While one lane's batch runs, another lane's is written and queued.
/// Used by one thread at a time.
/// </summary>
internal sealed class ChatLane : IDisposable
{
    // Tokens of a question, the template included, that memory is taken for at the start.
    private const int Words = 64;

    private readonly ChatGraphs _graphs;
    private readonly CudaSettings _settings;
    private readonly CudaStream _stream;
    private readonly FrameStage _frames;
    private readonly PromptStage _prompts;
    private readonly ChatPlans _plans;
    private readonly MoveStage _moves;
    private readonly ChatSearch _search;
    private readonly Generator _generator;
    private readonly Stack<IDisposable> _parts = new();

    /// <summary>Loads the graphs.</summary>
    /// <exception cref="OutOfDeviceMemoryException">They do not fit.</exception>
    /// <param name="graphs">The graphs.</param>
    /// <param name="settings">How they run.</param>
    public ChatLane(ChatGraphs graphs, CudaSettings settings)
    {
        (_graphs, _settings, Sizes) = (graphs, settings, new BatchSizes(settings));
        (_search, _generator) = (new ChatSearch(graphs.Tokens), new Generator(graphs.Tokens));
        try
        {
            _stream = Own(new CudaStream());
            var vision = Own(new CudaSession(graphs.Vision, _stream, settings));
            var prompt = Own(new CudaSession(graphs.Prompt, _stream, settings));
            var step = Own(new CudaSession(graphs.Step, _stream, settings));
            Shapes = ChatShapes.Of(vision, prompt, step);
            _frames = Own(new FrameStage(vision, _stream, Shapes, SignedPatchWriter.For(graphs.Images, Shapes.Patches, Shapes.RowBytes)));
            _prompts = Own(new PromptStage(prompt, _stream, Shapes));
            _plans = Own(new ChatPlans(step, _stream, Shapes, settings, graphs.Context));
            _moves = Own(new MoveStage(_stream, Shapes, settings.MaxBatch));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The sizes that batches are padded to, and what a step of each takes.</summary>
    public BatchSizes Sizes { get; }

    /// <summary>Of the graphs.</summary>
    public ChatShapes Shapes { get; }

    /// <summary>Runs every size once and records it: the largest first, so that the memory for it is there or its lack is known.</summary>
    /// <param name="steps">Tokens that a request has by default.</param>
    public void Prepare(int steps) => _stream.OnThread(() => PrepareHere(steps));

    /// <summary>Answers; see <see cref="IChatEngine"/>.</summary>
    public void Run(ChatRow[] rows, RowResult[] results, JoinPolicy policy, Func<int, IReadOnlyList<ChatRow>>? more, CancellationToken cancellation) =>
        _stream.OnThread(() => RunHere(rows, results, policy, more, cancellation));

    /// <inheritdoc/>
    public void Dispose()
    {
        Settle();
        while (_parts.TryPop(out var part))
            part.Dispose();
    }

    private void PrepareHere(int steps)
    {
        var length = Math.Clamp(_graphs.Context - steps, 1, Shapes.TokensPerFrame + Words);
        var plan = _plans.Find(_settings.MaxBatch, length + steps);
        _frames.Prepare(_settings.Record);
        // Tokens in place of features: the work is the same.
        var prompts = Enumerable.Repeat(new int[length], _settings.MaxBatch);
        _prompts.Queue(new ChatBatch([.. prompts], 0), _frames.Features, plan.Memory, 0, 0);
        for (var i = Sizes.All.Count - 1; i >= 0; i--)
            Prepare(plan, Sizes.All[i]);
    }

    private void RunHere(ChatRow[] rows, RowResult[] results, JoinPolicy policy, Func<int, IReadOnlyList<ChatRow>>? more, CancellationToken cancellation)
    {
        RowRequest[] requests = [.. rows.Select(static row => row.Request)];
        var (prompts, steps) = (requests.Max(static row => row.Prompt.Count), requests.Max(static row => row.Parameters.MaxNewTokens));
        if (prompts + steps > _graphs.Context && rows.Length > 1)
        {
            RunHalves(rows, results, policy, cancellation);
            return;
        }

        try
        {
            if (Array.TrueForAll(requests, _search.Fits))
            {
                var plan = _plans.Find(Sizes.Choose(rows.Length), prompts + steps);
                var device = new ChatDevice(plan, Sizes, _frames, _prompts, _moves, _graphs.ImageToken);
                _search.Run(device, policy, rows, results, more, cancellation);
            }
            else
            {
                var batch = _frames.Encode(rows, _graphs.ImageToken, cancellation);
                var beams = requests[0].Parameters.NumBeams;
                var plan = _plans.Find(rows.Length * beams, prompts + steps);
                using var run = new ChatHostRun(
                    plan, _stream, Shapes, batch, beams, _graphs.Vocabulary, logits => _prompts.Queue(batch, _frames.Features, plan.Memory, 0, logits));
                _generator.Run(run, HiddenStates.OfPrompts(rows.Length), requests, results, cancellation);
            }
        }
        finally
        {
            // What was queued still writes; the next batch must find the lane at rest.
            Settle();
        }
    }

    // Rows that are over go on to their batch's end, and must have positions for it.
    private void RunHalves(ChatRow[] rows, RowResult[] results, JoinPolicy policy, CancellationToken cancellation)
    {
        var half = rows.Length / 2;
        var (first, second) = (new RowResult[half], new RowResult[rows.Length - half]);
        RunHere(rows[..half], first, policy, null, cancellation);
        RunHere(rows[half..], second, policy, null, cancellation);
        first.CopyTo(results, 0);
        second.CopyTo(results, half);
    }

    private void Prepare(ChatPlan plan, int size)
    {
        double Time(Action<int> queue) => BatchSizes.Time(() =>
        {
            queue(size);
            _stream.Synchronize();
        });
        _stream.Clear(plan.Memory.Lengths);
        // The first run chooses kernels and takes memory.
        Time(plan.QueuePlain);
        var plain = Time(plan.QueuePlain);
        var recorded = double.PositiveInfinity;
        if (_settings.Record)
        {
            plan.Record(size);
            Time(plan.Launch);
            recorded = Time(plan.Launch);
        }

        Sizes.Measured(size, plain, recorded);
    }

    private T Own<T>(T part)
        where T : IDisposable
    {
        _parts.Push(part);
        return part;
    }

    private void Settle()
    {
        try
        {
            _stream?.Synchronize();
        }
        catch (Exception error) when (error is DeviceLostException or OutOfDeviceMemoryException or InvalidOperationException)
        {
            // The failure that led here says it better.
        }
    }
}
