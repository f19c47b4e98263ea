using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Integration.Messaging;

/// <summary>A model without weights: it answers at once and knows every task, so that tests of messages load no model.</summary>
internal sealed class EchoModel(string alias = "echo") : IModel
{
    private int _refused;
    private int _runs;

    /// <summary>Rows run so far.</summary>
    public int Rows => Volatile.Read(ref _runs);

    /// <summary>What every run does first; may throw.</summary>
    public Action Always { get; set; } = () => { };

    /// <summary>Rows that fit into the device's memory at once.</summary>
    public int Fits { get; set; } = int.MaxValue;

    /// <summary>Batches that did not fit.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <summary>Rows of this task fail, so many times.</summary>
    public (string Task, int Times) Fail { get; set; }

    public ModelReference Reference { get; } = new() { Alias = alias, Revision = new string('0', 64) };

    public IReadOnlyList<string> Tasks { get; } = [Contracts.Tasks.Caption, Contracts.Tasks.Embedding];

    public bool EmbedsText => true;

    public bool TakesPrompt => false;

    public PreprocessorConfig Images { get; } =
        new(new ResizePlan(8, 8, null, null, null, 2), new Normalization(1 / 255d, 0, 0, 0, 1, 1, 1));

    public GenerationParameters Resolve(GenerationOptions? options) => new(options?.MaxNewTokens ?? 16, 0, 1, 1, default, 0, 1, 1);

    public TokenizedText Tokenize(string text) => new([.. text.Select(letter => (int)letter)], false);

    public BatchKey KeyOf(InferenceInput input) => new(Reference.Alias, input is TextInput ? InputKind.Text : InputKind.Image, 1, 0);

    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation)
    {
        Always();
        if (rows.Count > Fits)
        {
            Interlocked.Increment(ref _refused);
            throw new OutOfDeviceMemoryException("Failed to allocate memory");
        }

        Interlocked.Add(ref _runs, rows.Count);
        return [.. rows.Select(row => Fails(row) ? new FailedOutcome(new TransientException("no memory for this row")) : Answer(row))];
    }

    public void Dispose()
    {
    }

    private bool Fails(InferenceInput row)
    {
        if (row is not ImageInput image || image.Task != Fail.Task || Fail.Times == 0)
            return false;
        Fail = (Fail.Task, Fail.Times - 1);
        return true;
    }

    private static InferenceOutcome Answer(InferenceInput row) => row is ImageInput { Task: Contracts.Tasks.Caption }
        ? new CaptionOutcome([new GeneratedSequence([0, 1], "a caption", -0.5, 1)])
        : new EmbeddingOutcome([0.6f, -0.8f]);
}
