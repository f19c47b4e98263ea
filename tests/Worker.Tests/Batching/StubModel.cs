using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Batching;

/// <summary>A model whose answers a test decides: the batcher's own behaviour needs no real inference.</summary>
internal sealed class StubModel(
    Func<IReadOnlyList<InferenceInput>, IReadOnlyList<InferenceOutcome>>? run = null, string alias = "stub", Action? dispose = null) : IModel
{
    public ModelReference Reference { get; } = new() { Alias = alias, Revision = new string('0', 64) };

    public IReadOnlyList<string> Tasks => [Contracts.Tasks.Embedding];

    public bool EmbedsText => true;

    public bool TakesPrompt => false;

    public Similarity? Similarity { get; init; }

    /// <summary>Runs a batch that rows may join; null where none may.</summary>
    public Func<IReadOnlyList<InferenceInput>, IRowSource?, IReadOnlyList<InferenceOutcome>>? Joinable { get; init; }

    public bool TakesMore => Joinable is not null;

    public PreprocessorConfig? Images => null;

    public GenerationParameters? Resolve(GenerationOptions? options) => null;

    public TokenizedText Tokenize(string text) => new([.. text.Select(c => (int)c)], false);

    public BatchKey KeyOf(InferenceInput input) => new(Reference.Alias, InputKind.Text, 1, 0);

    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation) =>
        run?.Invoke(rows) ?? [.. rows.Select(_ => new EmbeddingOutcome([1f]))];

    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, IRowSource? more, CancellationToken cancellation) =>
        Joinable?.Invoke(rows, more) ?? Run(rows, cancellation);

    public void Dispose() => dispose?.Invoke();
}

/// <summary>An input that counts its disposals.</summary>
internal sealed class StubInput(string name = "") : InferenceInput
{
    public string Name { get; } = name;

    public int Disposals { get; private set; }

    public override void Dispose() => Disposals++;
}
