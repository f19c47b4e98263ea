using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Models.Verification;

/// <summary>One of the two models, loaded. Owns it.</summary>
internal sealed class ComparedModel : IDisposable
{
    private readonly IModel _model;
    private readonly GenerationParameters? _generation;
    private readonly string _task;
    private bool _disposed;

    private ComparedModel(IModel model, ModelFacts facts, int? beams, string? question)
    {
        (_model, Facts, _task) = (model, facts, question is null ? model.Tasks[0] : Tasks.Answer);
        Question = question ?? SampleRows.Question(_task);
        _generation = model.Resolve(beams is null ? null : new GenerationOptions { NumBeams = beams });
        if (Question is null)
            return;
        if (!model.Tasks.Contains(_task))
            throw new RejectedException(RejectionReason.UnsupportedTask, $"'{facts.Folder}' answers no questions: its tasks are {string.Join(", ", model.Tasks)}");
        model.CheckPrompt(_task, Question);
    }

    /// <summary>Folder, family, precision, size.</summary>
    public ModelFacts Facts { get; }

    /// <summary>How it wants its images.</summary>
    public PreprocessorConfig Images => _model.Images!;

    /// <summary>How its images are resized.</summary>
    public ResizePlan Plan => Images.Resize;

    /// <summary>Whether it writes, captions or answers; else it embeds images, and texts if it has a text tower.</summary>
    public bool Captions => _task is Tasks.Caption or Tasks.Answer;

    /// <summary>What it is asked of each image; null where it is asked nothing.</summary>
    public string? Question { get; }

    /// <summary>Whether it embeds texts.</summary>
    public bool EmbedsTexts => _model.EmbedsText;

    /// <summary>Loads a model.</summary>
    /// <param name="choice">Which, in which precision.</param>
    /// <param name="beams">Beams; null takes the model's own.</param>
    /// <param name="question">What it is asked of each image; null lets it do its first task, with <see cref="SampleRows.Question"/> if that is answering.</param>
    /// <param name="watch">Sees what its graphs get; null where nobody looks.</param>
    /// <exception cref="ModelFolderException">The folder can't be used.</exception>
    /// <exception cref="ModelCommandException">The model takes no images, or the number of beams or the question does not suit it.</exception>
    public static ComparedModel Load(ModelChoice choice, int? beams, string? question, GraphWatch? watch = null)
    {
        var folder = ModelFolder.Open(choice.Folder, choice.Precision);
        var model = ModelLoader.Load(Path.GetFileName(folder.Path), folder.Path, new ModelOptions { Precision = choice.Precision, Watch = watch });
        try
        {
            var graphs = folder.Graphs.Values.Concat(folder.Graphs.Values.SelectMany(GraphChoice.ExternalData)).Distinct(StringComparer.Ordinal);
            var facts = new ModelFacts(
                folder.Path, folder.Family.Name, folder.Precision.ToString().ToLowerInvariant(), model.Reference.Revision,
                graphs.Sum(file => new FileInfo(file).Length));
            return new ComparedModel(model, facts, beams, question);
        }
        catch (RejectedException error)
        {
            model.Dispose();
            throw new ModelCommandException(error.Message, error);
        }
    }

    /// <summary>Runs images; their pixels stay the caller's.</summary>
    public IReadOnlyList<InferenceOutcome> RunImages(IEnumerable<PreparedPixels> pixels, CancellationToken cancellation) =>
        _model.Run([.. pixels.Select(image => new ImageInput(_task, image, _generation, Question))], cancellation);

    /// <summary>The tokens of a text.</summary>
    public int[] Tokenize(string text) => _model.Tokenize(text).Ids;

    /// <summary>Runs texts.</summary>
    public IReadOnlyList<InferenceOutcome> RunTexts(IEnumerable<string> texts, CancellationToken cancellation) =>
        _model.Run([.. texts.Select(text => new TextInput(_model.Tokenize(text)))], cancellation);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _model.Dispose();
    }
}
