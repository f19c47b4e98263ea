using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>A model as ModelKit builds it for the CPU: bytes go in, prompts are not padded, and the cache is written in place.</summary>
internal sealed class CpuChatEngine : ChatEngine<CpuChatRun>
{
    private readonly CpuChatGraph _decoder;

    private CpuChatEngine(PatchFrameEncoder encoder, CpuChatGraph decoder, int imageToken, Generator generator)
        : base(encoder, decoder, imageToken, generator, () => new CpuChatRun(decoder)) => _decoder = decoder;

    /// <inheritdoc/>
    public override int Vocabulary => _decoder.Vocabulary;

    /// <summary>Loads the graphs of an optimised folder.</summary>
    /// <exception cref="InvalidDataException">They are not of the layout known here, or don't fit each other or the images.</exception>
    public static CpuChatEngine Load(ModelFolder folder, PreprocessorConfig images, int imageToken, GenerationTokens tokens, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var encoder = new PatchFrameEncoder(new PatchEncoder(loaded.Load(CpuLayout.Vision), ["image_features"]), images.Resize);
        var embedder = new TokenEmbedder(loaded.Load(CpuLayout.Embeddings));
        var decoder = new CpuChatGraph(loaded.Load(CpuLayout.Decoder), embedder);
        if (embedder.Width != encoder.Width)
            throw new InvalidDataException($"the image tower gives features of {encoder.Width} values, a token has {embedder.Width}");
        loaded.HandOver();
        return new CpuChatEngine(encoder, decoder, imageToken, new Generator(tokens));
    }

    /// <inheritdoc/>
    protected override TensorBuffer Embed(CpuChatRun run, PromptBatch prompts, TensorBuffer ids)
    {
        int[] all = [.. Enumerable.Range(0, prompts.Count).SelectMany(row => prompts[row])];
        _decoder.Embedder.Embed(PromptBatch.Same(all, 1), padLeft: true, ids, run.Embeddings);
        return run.Embeddings;
    }

    /// <inheritdoc/>
    protected override long First(PromptBatch prompts, int row)
    {
        var first = 0L;
        for (var before = 0; before < row; before++)
            first += prompts[before].Count;
        return first;
    }
}
