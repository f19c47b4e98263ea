using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.VisionEncoderDecoder;

/// <summary>A captioner as it was exported: an encoder and a decoder with logits, driven step by step from here.</summary>
internal sealed class ExportedCaptionEngine : ICaptionEngine
{
    // Measured: an image at a time keeps the encoder's activations in the processor's cache.
    private const int EncoderChunk = 1;

    private readonly ImageEncoder _encoder;
    private readonly DecoderGraphs _decoder;
    private readonly Generator _generator;
    private readonly ObjectPool<Workspace> _workspaces;

    private ExportedCaptionEngine(ImageEncoder encoder, DecoderGraphs decoder, Generator generator)
    {
        (_encoder, _decoder, _generator) = (encoder, decoder, generator);
        _workspaces = new ObjectPool<Workspace>(() => new Workspace(decoder));
    }

    /// <inheritdoc/>
    public int Vocabulary => _decoder.Vocabulary;

    /// <summary>Loads the graphs of a folder.</summary>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    public static ExportedCaptionEngine Load(ModelFolder folder, PreprocessorConfig images, GenerationTokens tokens, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var encoder = new ImageEncoder(loaded.Load(ModelFamily.Graphs.Encoder), images, EncoderChunk, "last_hidden_state");
        var merged = folder.Graphs.ContainsKey(ModelFamily.Graphs.DecoderMerged);
        var first = loaded.Load(merged ? ModelFamily.Graphs.DecoderMerged : ModelFamily.Graphs.Decoder);
        var decoder = new DecoderGraphs(first, merged ? first : loaded.Load(ModelFamily.Graphs.DecoderWithPast));
        loaded.HandOver();
        return new ExportedCaptionEngine(encoder, decoder, new Generator(tokens));
    }

    /// <inheritdoc/>
    public void Check(ResizePlan images)
    {
        if (_encoder.FixedShape(images) is not { } shape)
            return;
        if (shape.Length != 2 || (_decoder.HiddenSize > 0 && _decoder.HiddenSize != shape[1]))
            throw new InvalidDataException($"the encoder gives [{string.Join(", ", shape)}] an image, the decoder takes [positions, {_decoder.HiddenSize}]");
    }

    /// <inheritdoc/>
    public void Run(
        ReadOnlySpan<PreparedPixels> images, ReadOnlySpan<GenerationParameters> parameters, Span<RowResult> results, CancellationToken cancellation)
    {
        var workspace = _workspaces.Rent();
        try
        {
            var shape = _encoder.ShapeOf(images[0].Width, images[0].Height);
            _encoder.Encode(images, workspace.Pixels, workspace.Decoder.Hidden, cancellation);
            var states = new HiddenStates(images.Length, (int)shape[0], (int)shape[1]);
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
    private sealed class Workspace(DecoderGraphs graphs) : IDisposable
    {
        public TensorBuffer Pixels { get; } = new();

        public DecoderRun Decoder { get; } = new(graphs);

        public void Dispose()
        {
            Pixels.Dispose();
            Decoder.Dispose();
        }
    }
}
