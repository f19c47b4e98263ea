using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>A model as it was exported: <c>vision_encoder</c>, <c>embed_tokens</c> and a decoder over embeddings, with prompts padded on the left.</summary>
internal sealed class ExportedChatEngine : ChatEngine<DecoderRun>
{
    private readonly DecoderGraphs _decoder;

    private ExportedChatEngine(FrameEncoder encoder, DecoderGraphs decoder, int imageToken, Generator generator)
        : base(encoder, decoder, imageToken, generator, () => new DecoderRun(decoder)) => _decoder = decoder;

    /// <inheritdoc/>
    public override int Vocabulary => _decoder.Vocabulary;

    /// <summary>Loads the graphs of a folder.</summary>
    /// <exception cref="InvalidDataException">They are not of a layout known here, or don't fit each other.</exception>
    public static ExportedChatEngine Load(ModelFolder folder, PreprocessorConfig images, int imageToken, GenerationTokens tokens, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var encoder = new FrameEncoder(loaded.Load(ModelFamily.Graphs.VisionEncoder), images);
        var embedder = new TokenEmbedder(loaded.Load(ModelFamily.Graphs.EmbedTokens));
        var session = loaded.Load(ModelFamily.Graphs.DecoderMerged);
        var decoder = new DecoderGraphs(session, session, embedder: embedder);
        if (embedder.Width != encoder.Width)
            throw new InvalidDataException($"{ModelFamily.Graphs.VisionEncoder} gives features of {encoder.Width} values, a token has {embedder.Width}");
        if (!decoder.TellsPadding || decoder.HasCross)
            throw new InvalidDataException($"{session.Name} is no decoder over embeddings with {DecoderNames.Mask} and {DecoderNames.Positions}");
        loaded.HandOver();
        return new ExportedChatEngine(encoder, decoder, imageToken, new Generator(tokens));
    }

    /// <inheritdoc/>
    protected override TensorBuffer Embed(DecoderRun run, PromptBatch prompts, TensorBuffer ids)
    {
        _decoder.Embedder!.Embed(prompts, padLeft: true, ids, run.Embeddings);
        return run.Embeddings;
    }

    /// <inheritdoc/>
    protected override long First(PromptBatch prompts, int row) => ((row + 1L) * prompts.Longest) - prompts[row].Count;
}
