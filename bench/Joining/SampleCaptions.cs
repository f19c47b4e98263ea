using VlWorker.Bench.Gpu;
using VlWorker.Bench.Inference;
using VlWorker.Bench.Pipeline;
using VlWorker.Bench.Serving;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.Worker.Tests.Inference;

namespace VlWorker.Bench.Joining;

/// <summary>The demo captioner as a worker runs it, on the sample images.</summary>
internal sealed class SampleCaptions : IDisposable
{
    private const int Passes = 4;

    private readonly IModel _model;
    private readonly CpuCaptionEngine _engine;
    private readonly PreparedPixels[] _images;
    private readonly ImageInput[][] _batches;
    private readonly int _start;

    /// <summary>Loads it, and captions all samples.</summary>
    public SampleCaptions(int threads, int maxBatch)
    {
        var folder = ModelFolder.Open(DemoCaptioner.Folder());
        _model = ModelLoader.Load("captioner", folder.Path, new ModelOptions { IntraOpThreads = threads });
        _images = [.. Samples.Files.Select(file => TestImages.Prepare(file, _model.Images!.Resize))];
        var parameters = _model.Resolve(null);
        _batches = [.. _images.Select(image => new ImageInput(Tasks.Caption, image, parameters)).Chunk(maxBatch)];
        Lengths = [.. _batches.SelectMany(rows => _model.Run(rows, CancellationToken.None))
            .Select(static outcome => ((CaptionOutcome)outcome).Sequences[0].GeneratedTokens)];
        _start = folder.Config.Int32("decoder_start_token_id") ?? throw new InvalidDataException("config.json has no decoder_start_token_id");
        Clock.Follow(folder.Graphs[CpuLayout.Decoder]);
        // Without an end token every caption has its length.
        _engine = CpuCaptionEngine.Load(
            folder, new GenerationTokens([_start], [], null, null), new ModelOptions { IntraOpThreads = threads, Watch = Clock.Watch });
    }

    /// <summary>Follows its decoder.</summary>
    public GraphClock Clock { get; } = new();

    /// <summary>Tokens of each caption.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>Captions the first images.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="tokens">Tokens of each caption.</param>
    public void Ask(int rows, int tokens)
    {
        var request = new RowRequest(CaptionRace.Parameters(1, tokens), [_start]);
        _engine.Run(_images.AsSpan(0, rows), [.. Enumerable.Repeat(request, rows)], new RowResult[rows], CancellationToken.None);
    }

    /// <summary>Captions a second of whole batches, as long as the captions are, where rows always wait.</summary>
    public double PerSecond(int streams)
    {
        var took = BatchSizes.Time(() => Parallel.For(
            0, Passes * _batches.Length, new ParallelOptions { MaxDegreeOfParallelism = streams },
            batch => _model.Run(_batches[batch % _batches.Length], CancellationToken.None)));
        return 1000 * Passes * _images.Length / took;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _model.Dispose();
        _engine.Dispose();
        foreach (var image in _images)
            image.Dispose();
    }
}
