using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference;

/// <summary>Made-up rows of each kind that a model takes, with its default parameters. Owns them.</summary>
internal sealed class SampleRows : IDisposable
{
    /// <summary>Makes one row a kind.</summary>
    public SampleRows(IModel model)
        : this(model, 1, static (_, width, height) => Grey(width, height), "a text of some words")
    {
    }

    /// <summary>Makes rows of other pictures and texts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="pictures">Rows a task of images.</param>
    /// <param name="draw">Makes the picture of a number, a width and a height.</param>
    /// <param name="texts">The texts.</param>
    public SampleRows(IModel model, int pictures, Func<int, int, int, PreparedPixels> draw, params string[] texts)
    {
        var rows = new List<InferenceInput>();
        if (model.Images is { } images)
        {
            var (width, height) = SizeOf(images.Resize);
            // Labels are scored by what embeds the image.
            foreach (var task in model.Tasks.Where(static task => task != Tasks.Classify))
            {
                var prompt = Question(task);
                for (var number = 0; number < pictures; number++)
                    rows.Add(new ImageInput(task, draw(number, width, height), model.Resolve(null), prompt));
            }
        }

        if (model.EmbedsText)
            rows.AddRange(texts.Select(text => new TextInput(model.Tokenize(text))));
        All = rows;
    }

    /// <summary>What images are asked for a task that needs a question; null for the others.</summary>
    public static string? Question(string task) => task == Tasks.Answer ? "What is shown in the image?" : null;

    /// <summary>The rows.</summary>
    public IReadOnlyList<InferenceInput> All { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var row in All)
            row.Dispose();
    }

    // Where the size that a model takes depends on the image, a square.
    private static (int Width, int Height) SizeOf(ResizePlan plan) => plan switch
    {
        { CropWidth: { } width, CropHeight: { } height } => (width, height),
        { ShortestEdge: { } edge } => (edge, edge),
        _ => (plan.Width, plan.Height),
    };

    private static PreparedPixels Grey(int width, int height)
    {
        var rgb = new PooledBuffer(width * height * 3);
        rgb.Span.Fill(128);
        return new PreparedPixels(width, height, rgb, null) { IsMadeUp = true };
    }
}
