using System.Numerics.Tensors;
using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>The int8 models and the images that the repository ships.</summary>
public sealed class BundledModelTests(BundledModels models) : IClassFixture<BundledModels>
{
    [Fact]
    public void At_least_94_of_the_96_captions_are_the_truth()
    {
        var wrong = new List<string>();
        foreach (var part in models.Truth.Chunk(16))
        {
            var captions = Captions(part.Select(sample => sample.File));
            wrong.AddRange(part.Zip(captions).Where(pair => pair.First.Caption != pair.Second)
                .Select(pair => $"{pair.First.File}: \"{pair.Second}\" is not \"{pair.First.Caption}\""));
        }

        Assert.Equal(96, models.Truth.Count);
        Assert.True(wrong.Count <= 2, string.Join('\n', wrong));
    }

    [Fact]
    public void The_right_caption_is_nearest_to_nearly_every_image()
    {
        // Only captions that no two images share have a right answer.
        var samples = models.Truth.GroupBy(sample => sample.Caption).Where(group => group.Count() == 1).Select(group => group.First()).ToList();
        var texts = Embeddings(models.Embedder.Run(
            [.. samples.Select(sample => new TextInput(models.Embedder.Tokenize(sample.Caption)))], CancellationToken.None));
        var images = samples.Chunk(16).SelectMany(part =>
        {
            var rows = part.Select(sample => new ImageInput(Tasks.Embedding, models.Prepare(models.Embedder, sample.File), null)).ToList();
            var outcomes = models.Embedder.Run(rows, CancellationToken.None);
            rows.ForEach(row => row.Dispose());
            return Embeddings(outcomes);
        }).ToList();

        var found = images.Where((image, i) => texts.IndexOf(texts.MaxBy(text => TensorPrimitives.Dot(image, text))!) == i).Count();
        Assert.InRange(found, samples.Count * 97 / 100, samples.Count);
    }

    [Fact]
    public void A_steady_stream_of_batches_allocates_little()
    {
        var rows = models.Truth.Take(16).Select(sample => models.Row(sample.File)).ToList();
        long Run()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            models.Captioner.Run(rows, CancellationToken.None);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Run();
        var perImage = Enumerable.Range(0, 3).Min(_ => Run()) / rows.Count;
        rows.ForEach(row => row.Dispose());
        Assert.InRange(perImage, 1, 6 * 1024);
    }

    private List<string> Captions(IEnumerable<string> files)
    {
        var rows = files.Select(models.Row).ToList();
        var outcomes = models.Captioner.Run(rows, CancellationToken.None);
        rows.ForEach(row => row.Dispose());
        return [.. outcomes.Select(outcome => Assert.IsType<CaptionOutcome>(outcome).Sequences[0].Text)];
    }

    private static List<float[]> Embeddings(IReadOnlyList<InferenceOutcome> outcomes) =>
        [.. outcomes.Select(outcome => Assert.IsType<EmbeddingOutcome>(outcome).Values)];
}

/// <summary>The bundled models, loaded, and the truth about the samples.</summary>
public sealed class BundledModels : IDisposable
{
    private static readonly string Samples = Path.Combine(ModelFolders.Repository, "samples");

    public BundledModels()
    {
        var models = Path.Combine(ModelFolders.Repository, "models");
        Captioner = ModelLoader.Load("captioner", Path.Combine(models, "demo-captioner"), new ModelOptions());
        Embedder = ModelLoader.Load("clip", Path.Combine(models, "demo-clip"), new ModelOptions());
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Samples, "truth.json")));
        Truth = [.. json.RootElement.EnumerateArray().Select(entry => new Sample(entry.GetProperty("file").GetString()!, entry.GetProperty("caption").GetString()!))];
    }

    internal IModel Captioner { get; }

    internal IModel Embedder { get; }

    internal IReadOnlyList<Sample> Truth { get; }

    /// <summary>A sample for the captioner; the caller disposes of it.</summary>
    internal ImageInput Row(string file) => new(Tasks.Caption, Prepare(Captioner, file), Captioner.Resolve(null));

    internal PreparedPixels Prepare(IModel model, string file) => TestImages.Prepare(Path.Combine(Samples, file), model.Images!.Resize);

    public void Dispose()
    {
        Captioner.Dispose();
        Embedder.Dispose();
    }

    internal sealed record Sample(string File, string Caption);
}
