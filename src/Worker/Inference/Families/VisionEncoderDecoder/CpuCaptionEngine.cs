using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.VisionEncoderDecoder;

/// <summary>A captioner as ModelKit builds it for the CPU: the encoder makes the decoder's keys and values of the image, once.</summary>
internal sealed class CpuCaptionEngine : ICaptionEngine
{
    private readonly PatchEncoder _encoder;
    private readonly StepGraph _decoder;
    private readonly Generator _generator;
    private readonly ObjectPool<Workspace> _workspaces;

    private CpuCaptionEngine(PatchEncoder encoder, StepGraph decoder, Generator generator)
    {
        (_encoder, _decoder, _generator) = (encoder, decoder, generator);
        _workspaces = new ObjectPool<Workspace>(() => new Workspace(decoder));
    }

    /// <inheritdoc/>
    public int Vocabulary => _decoder.Vocabulary;

    /// <summary>Loads the graphs of an optimised folder.</summary>
    /// <exception cref="InvalidDataException">They are not of the layout known here.</exception>
    public static CpuCaptionEngine Load(ModelFolder folder, GenerationTokens tokens, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var decoder = new StepGraph(loaded.Load(CpuLayout.Decoder));
        var encoder = new PatchEncoder(loaded.Load(CpuLayout.Encoder), [.. decoder.Cross.Select(static tensor => tensor.Input)]);
        loaded.HandOver();
        return new CpuCaptionEngine(encoder, decoder, new Generator(tokens));
    }

    /// <inheritdoc/>
    public void Check(ResizePlan images)
    {
        _encoder.Check(images);
        for (var i = 0; i < _decoder.Cross.Count; i++)
        {
            var tensor = _decoder.Cross[i];
            if (!_encoder.ShapeOf(i).SequenceEqual([tensor.Heads, tensor.Positions, tensor.Size]))
                throw new InvalidDataException($"the encoder gives {tensor.Input} in another shape than the decoder takes");
        }
    }

    /// <inheritdoc/>
    public void Run(
        ReadOnlySpan<PreparedPixels> images, ReadOnlySpan<GenerationParameters> parameters, Span<RowResult> results, CancellationToken cancellation)
    {
        var workspace = _workspaces.Rent();
        try
        {
            _encoder.Encode(images, workspace.Patches, workspace.Decoder.Cross, cancellation);
            var states = new HiddenStates(images.Length, _decoder.Cross[0].Positions, 0);
            _generator.Run(workspace.Decoder, states, parameters, results, cancellation);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _workspaces.Dispose();
        _encoder.Dispose();
        _decoder.Dispose();
    }

    /// <summary>The memory of one stream.</summary>
    private sealed class Workspace(StepGraph graph) : IDisposable
    {
        public TensorBuffer Patches { get; } = new();

        public StepRun Decoder { get; } = new(graph);

        public void Dispose()
        {
            Patches.Dispose();
            Decoder.Dispose();
        }
    }
}
