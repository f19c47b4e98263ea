using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Captioning;

/// <summary>A captioner as it was exported: an encoder and a decoder with logits, driven step by step from here.</summary>
internal sealed class ExportedCaptionEngine : CaptionEngine<DecoderRun>
{
    // Measured: an image at a time keeps the encoder's activations in the processor's cache.
    private const int EncoderChunk = 1;

    private readonly ImageEncoder _encoder;
    private readonly DecoderGraphs _decoder;

    private ExportedCaptionEngine(ImageEncoder encoder, DecoderGraphs decoder, Generator generator)
        : base(encoder, decoder, generator, () => new DecoderRun(decoder)) => (_encoder, _decoder) = (encoder, decoder);

    /// <inheritdoc/>
    public override int Vocabulary => _decoder.Vocabulary;

    /// <summary>Loads the graphs of a folder: in each of its family's sets the encoder comes first, then the decoder or the pair.</summary>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    public static ExportedCaptionEngine Load(ModelFolder folder, PreprocessorConfig images, GenerationTokens tokens, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var names = folder.Family.GraphSets.First(set => set.All(folder.Graphs.ContainsKey));
        var encoder = new ImageEncoder(loaded.Load(names[0]), images, EncoderChunk, "last_hidden_state", "encoder_hidden_states");
        var first = loaded.Load(names[1]);
        var decoder = new DecoderGraphs(first, names.Count == 2 ? first : loaded.Load(names[2]));
        loaded.HandOver();
        return new ExportedCaptionEngine(encoder, decoder, new Generator(tokens));
    }

    /// <inheritdoc/>
    public override void Check(ResizePlan images)
    {
        if (_encoder.FixedShape(images) is not { } shape)
            return;
        if (shape.Length != 2 || (_decoder.HiddenSize > 0 && _decoder.HiddenSize != shape[1]))
            throw new InvalidDataException($"the encoder gives [{string.Join(", ", shape)}] an image, the decoder takes [positions, {_decoder.HiddenSize}]");
    }

    /// <inheritdoc/>
    protected override HiddenStates Encode(ReadOnlySpan<PreparedPixels> images, TensorBuffer pixels, DecoderRun run, CancellationToken cancellation)
    {
        var shape = _encoder.ShapeOf(images[0].Width, images[0].Height);
        _encoder.Encode(images, pixels, run.Hidden, cancellation);
        return new HiddenStates(images.Length, (int)shape[0], (int)shape[1]);
    }
}
