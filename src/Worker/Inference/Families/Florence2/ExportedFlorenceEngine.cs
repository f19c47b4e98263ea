using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Families.Prompted;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Florence2;

/// <summary>Florence-2 as it was exported: image tower, embeddings, encoder, and a decoder over embeddings.</summary>
internal sealed class ExportedFlorenceEngine : PromptedEngine<DecoderRun>
{
    // An image at a time keeps the tower's activations in the processor's cache.
    private const int ImagesARun = 1;

    private static readonly string[] EncoderInputs = ["attention_mask", "inputs_embeds"];
    private static readonly string[] EncoderOutputs = ["last_hidden_state"];

    private readonly ImageEncoder _vision;
    private readonly OnnxSession _encoder;
    private readonly DecoderGraphs _decoder;
    private readonly TokenEmbedder _embedder;
    private readonly int _imageTokens;

    private ExportedFlorenceEngine(
        ImageEncoder vision, OnnxSession encoder, DecoderGraphs decoder, TokenEmbedder embedder, int imageTokens, GenerationTokens tokens)
        : base([vision, encoder, decoder], tokens, () => new DecoderRun(decoder)) =>
        (_vision, _encoder, _decoder, _embedder, _imageTokens) = (vision, encoder, decoder, embedder, imageTokens);

    /// <inheritdoc/>
    public override int Vocabulary => _decoder.Vocabulary;

    /// <inheritdoc/>
    public override int ImagePositions => _imageTokens;

    /// <inheritdoc/>
    protected override int Width => _embedder.Width;

    /// <summary>Loads the graphs of a folder.</summary>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    public static ExportedFlorenceEngine Load(ModelFolder folder, PreprocessorConfig images, GenerationTokens tokens, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var vision = new ImageEncoder(loaded.Load(ModelFamily.Graphs.VisionEncoder), images, ImagesARun, "image_features");
        if (vision.FixedShape(images.Resize) is not [var imageTokens, var width])
            throw new InvalidDataException("vision_encoder does not give each image's tokens as [tokens, width], or images come in several sizes");
        var encoder = loaded.Load(ModelFamily.Graphs.Encoder);
        encoder.Expect(name => EncoderInputs.Contains(name));
        encoder.InputType(EncoderInputs[0], TensorElementType.Int64);
        encoder.InputType(EncoderInputs[1], TensorElementType.Float);
        encoder.FloatOutput(EncoderOutputs);
        var embedder = new TokenEmbedder(loaded.Load(ModelFamily.Graphs.EmbedTokens));
        if (embedder.Width != width)
            throw new InvalidDataException($"vision_encoder gives tokens of {width} values, embed_tokens of {embedder.Width}");
        var merged = folder.Graphs.ContainsKey(ModelFamily.Graphs.DecoderMerged);
        var first = loaded.Load(merged ? ModelFamily.Graphs.DecoderMerged : ModelFamily.Graphs.Decoder);
        var decoder = new DecoderGraphs(first, merged ? first : loaded.Load(ModelFamily.Graphs.DecoderWithPast), embedder: embedder);
        if (decoder.HiddenSize > 0 && decoder.HiddenSize != width)
            throw new InvalidDataException($"the decoder looks at states of {decoder.HiddenSize} values, the encoder gives {width}");
        loaded.HandOver();
        return new ExportedFlorenceEngine(vision, encoder, decoder, embedder, (int)imageTokens, tokens);
    }

    /// <inheritdoc/>
    protected override void EncodeImages(
        ReadOnlySpan<PreparedPixels> images, PromptedWorkspace<DecoderRun> workspace, CancellationToken cancellation) =>
        _vision.Encode(images, workspace.Pixels, workspace.Features, cancellation);

    /// <inheritdoc/>
    protected override void Encode(
        int[] images, int[][] prompts, HiddenStates states, PromptedWorkspace<DecoderRun> workspace, CancellationToken cancellation)
    {
        var (position, longest) = (Width * sizeof(float), states.Positions - _imageTokens);
        _embedder.Embed(new PromptBatch(prompts), false, workspace.Ids, workspace.Embeddings);
        workspace.Input.Reserve(states.ImageBytes);
        workspace.Mask.Reserve((long)states.Positions * sizeof(long));
        workspace.Mask.Span<long>(0, states.Positions).Fill(1);
        var hidden = workspace.Decoder.Hidden;
        hidden.Reserve(states.ImageBytes * states.Images);
        for (var row = 0; row < prompts.Length; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            var positions = _imageTokens + prompts[row].Length;
            workspace.Input.CopyFrom(workspace.Features, (long)images[row] * _imageTokens * position, 0, (long)_imageTokens * position);
            workspace.Input.CopyFrom(
                workspace.Embeddings, (long)row * longest * position, (long)_imageTokens * position, (long)prompts[row].Length * position);
            RunEncoder(workspace, positions, row * states.ImageBytes);
            // Padding is masked, which multiplies it by zero: it has to be a number.
            hidden.Span<float>((row * states.ImageBytes) + ((long)positions * position), (states.Positions - positions) * Width).Clear();
        }
    }

    private void RunEncoder(PromptedWorkspace<DecoderRun> workspace, int positions, long offset)
    {
        using var mask = OnnxSession.Tensor(workspace.Mask, TensorElementType.Int64, 1, positions);
        using var input = OnnxSession.Tensor(workspace.Input, TensorElementType.Float, 1, positions, Width);
        using var output = OnnxSession.TensorAt(workspace.Decoder.Hidden, offset, TensorElementType.Float, [1, positions, Width]);
        _encoder.Run(EncoderInputs, [mask, input], EncoderOutputs, [output]);
    }
}
