using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Bench.Messaging;

/// <summary>A text model that costs nothing: what is left is the cost of messages.</summary>
internal sealed class InstantModel : IModel
{
    private static readonly EmbeddingOutcome Outcome = new(new float[128]);

    public ModelReference Reference { get; } = new() { Alias = "instant", Revision = new string('0', 64) };

    public IReadOnlyList<string> Tasks => [];

    public bool EmbedsText => true;

    public bool TakesPrompt => false;

    public PreprocessorConfig? Images => null;

    public GenerationParameters? Resolve(GenerationOptions? options) => null;

    public TokenizedText Tokenize(string text) => new([1, 2], false);

    public BatchKey KeyOf(InferenceInput input) => new(Reference.Alias, InputKind.Text, 1, 0);

    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation) => [.. rows.Select(_ => Outcome)];

    public void Dispose()
    {
    }
}
