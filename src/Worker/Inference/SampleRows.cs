using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference;

/// <summary>Made-up rows of each kind that a model takes, with its default parameters. Owns them.</summary>
internal sealed class SampleRows : IDisposable
{
    /// <summary>Makes the rows.</summary>
    public SampleRows(IModel model)
    {
        var rows = new List<InferenceInput>();
        if (model.Images is { } images)
        {
            rows.AddRange(model.Tasks.Where(HasRowsOfItsOwn)
                .Select(task => new ImageInput(task, Grey(images.Resize), model.Resolve(null), PromptOf(task))));
        }

        if (model.EmbedsText)
            rows.Add(new TextInput(model.Tokenize("a text of some words")));
        All = rows;
    }

    /// <summary>One row a kind.</summary>
    public IReadOnlyList<InferenceInput> All { get; }

    /// <summary>Whether a task runs the model in a way of its own: labels are scored by what embeds the image.</summary>
    public static bool HasRowsOfItsOwn(string task) => task != Contracts.Tasks.Classify;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var row in All)
            row.Dispose();
    }

    /// <summary>A prompt for tasks that want one; else null.</summary>
    public static string? PromptOf(string task) => task == Tasks.Answer ? "What is shown in the image?" : null;

    /// <summary>The size of image that a model takes; where that depends on the image, a square one.</summary>
    public static (int Width, int Height) SizeOf(ResizePlan plan) => plan switch
    {
        { CropWidth: { } width, CropHeight: { } height } => (width, height),
        { ShortestEdge: { } edge } => (edge, edge),
        _ => (plan.Width, plan.Height),
    };

    private static PreparedPixels Grey(ResizePlan plan)
    {
        var (width, height) = SizeOf(plan);
        var rgb = new PooledBuffer(width * height * 3);
        rgb.Span.Fill(128);
        return new PreparedPixels(width, height, rgb, null);
    }
}
