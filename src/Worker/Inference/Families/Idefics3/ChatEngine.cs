using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>
/// An engine on the processor: the streams' memory, and the way from frames and prompts to the search. Where the prompts' embeddings lie is
/// the decoder's own.
/// </summary>
/// <typeparam name="TRun">The decoder's state of one batch.</typeparam>
/// <param name="encoder">Disposed of with this.</param>
/// <param name="decoder">Disposed of with this.</param>
/// <param name="imageToken">The token in whose places features go.</param>
/// <param name="generator">Searches.</param>
/// <param name="newRun">Makes the state of a stream's batches.</param>
internal abstract class ChatEngine<TRun>(IFrameEncoder encoder, IDisposable decoder, int imageToken, Generator generator, Func<TRun> newRun) : IChatEngine
    where TRun : IDecoderRun
{
    private readonly ObjectPool<Workspace> _workspaces = new(() => new Workspace(newRun()));

    /// <inheritdoc/>
    public int TokensPerFrame => encoder.TokensPerFrame;

    /// <inheritdoc/>
    public abstract int Vocabulary { get; }

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<ChatRow> rows, Span<RowResult> results, CancellationToken cancellation)
    {
        var workspace = _workspaces.Rent();
        try
        {
            var requests = new RowRequest[rows.Length];
            for (var i = 0; i < rows.Length; i++)
                requests[i] = rows[i].Request;
            var given = new ChatInputs(rows, imageToken, encoder.TokensPerFrame);
            var inputs = given.Rows;
            workspace.Features.Reserve((long)given.Features * encoder.Width * sizeof(float));
            foreach (var (image, first) in given.Images.Zip(given.First))
                encoder.Encode(image, workspace.Pixels, workspace.Features, first, cancellation);
            var prompts = new PromptBatch([.. requests.Select(static request => request.Prompt)]);
            Place(prompts, inputs, workspace, Embed(workspace.Decoder, prompts, workspace.Ids));
            var states = HiddenStates.OfPrompts(rows.Length) with { Prefixes = SharedPrefix.Find(inputs) };
            generator.Run(workspace.Decoder, states, requests, results, cancellation);
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
        encoder.Dispose();
        decoder.Dispose();
    }

    /// <summary>Embeds the prompts' tokens where the decoder wants them.</summary>
    /// <param name="run">The decoder's state.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="ids">Memory for the ids.</param>
    /// <returns>The embeddings.</returns>
    protected abstract TensorBuffer Embed(TRun run, PromptBatch prompts, TensorBuffer ids);

    /// <summary>Where a prompt's embeddings begin among them, in tokens.</summary>
    protected abstract long First(PromptBatch prompts, int row);

    private void Place(PromptBatch prompts, int[][] inputs, Workspace workspace, TensorBuffer embeddings)
    {
        var bytes = (long)encoder.Width * sizeof(float);
        for (var row = 0; row < inputs.Length; row++)
        {
            var first = First(prompts, row);
            for (var i = 0; i < inputs[row].Length; i++)
            {
                if (inputs[row][i] < 0)
                    embeddings.CopyFrom(workspace.Features, ~inputs[row][i] * bytes, (first + i) * bytes, bytes);
            }
        }
    }

    /// <summary>The memory of one stream.</summary>
    private sealed class Workspace(TRun decoder) : IDisposable
    {
        public TensorBuffer Pixels { get; } = new();

        public TensorBuffer Features { get; } = new();

        public TensorBuffer Ids { get; } = new();

        public TRun Decoder { get; } = decoder;

        public void Dispose()
        {
            Pixels.Dispose();
            Features.Dispose();
            Ids.Dispose();
            Decoder.Dispose();
        }
    }
}
