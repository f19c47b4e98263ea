using System.Numerics.Tensors;
using System.Text;
using Prometheus;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.Telemetry;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>Copies of real models on several devices.</summary>
public sealed class SeveralDevicesTests
{
    private static readonly string Captioner = FixtureArchive.Extract("vit-gpt2-tiny");
    private static readonly string Clip = FixtureArchive.Extract("clip-tiny");

    [Fact]
    public async Task Two_devices_give_the_results_of_one()
    {
        var one = await RunAsync(devices: 1);
        var two = await RunAsync(devices: 2);

        Assert.Equal(one.Captions, two.Captions);
        Assert.All(one.Embeddings.Zip(two.Embeddings), pair => Assert.True(Cosine(pair.First, pair.Second) > 0.99999));
        foreach (var device in (string[])["cpu", "cpu:1"])
            Assert.Matches($$"""vlworker_batch_seconds_count\{model="[a-z]+",device="{{device}}"\} [1-9]""", two.Metrics);
    }

    [Fact]
    public void Copies_of_the_same_files_share_their_revision()
    {
        var folder = ModelFolder.Open(Captioner);
        var revision = folder.ComputeRevision();

        Assert.Equal(
            new ModelReference { Alias = "a", Revision = revision },
            ModelCopies.Reference("a", [(DeviceName.Cpu, folder, revision, false), (DeviceName.Parse("cuda:0"), folder, revision, false)]));
    }

    [Fact]
    public void Copies_of_different_files_need_leave_and_get_a_revision_of_their_own()
    {
        var folder = ModelFolder.Open(Captioner);
        var (one, other) = (new string('1', 64), new string('2', 64));
        (DeviceName, ModelFolder, string, bool)[] copies = [(DeviceName.Cpu, folder, one, true), (DeviceName.Parse("cuda:0"), folder, other, true)];

        var mixed = ModelCopies.Reference("a", copies).Revision;

        Assert.Equal(64, mixed.Length);
        Assert.DoesNotContain(mixed, (string[])[one, other]);
        Assert.Equal(mixed, ModelCopies.Reference("a", [copies[1], copies[0], copies[0]]).Revision);
        var error = Assert.Throws<ModelFolderException>(() => ModelCopies.Reference("a", [copies[0], (DeviceName.Parse("cuda:0"), folder, other, false)]));
        Assert.Contains("AllowMixedRevisions", error.Message, StringComparison.Ordinal);
        Assert.Contains("cuda:0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Copies_with_different_tokenizers_are_refused()
    {
        var error = Assert.Throws<ModelFolderException>(() => ModelCopies.Reference("a", [
            (DeviceName.Cpu, ModelFolder.Open(Captioner), new string('1', 64), true), (DeviceName.Parse("cuda:0"), ModelFolder.Open(Clip), new string('2', 64), true)]));

        Assert.Contains("tokenizer.json differ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Copies_that_are_different_models_are_refused()
    {
        using var captioner = ModelLoader.Load("a", Captioner, new ModelOptions());
        using var clip = ModelLoader.Load("a", Clip, new ModelOptions());

        ModelCopies.Check([captioner, captioner], Captioner);
        Assert.Throws<ModelFolderException>(() => ModelCopies.Check([captioner, clip], Captioner));
    }

    private static async Task<(string[] Captions, float[][] Embeddings, string Metrics)> RunAsync(int devices)
    {
        var metrics = new WorkerMetrics(Metrics.NewCustomRegistry());
        var options = new BatchingOptions { MaxWaitMs = 0 };
        using var registry = new ModelRegistry([.. Enumerable.Range(0, devices).Select(i => new Device(
            new DeviceName(DeviceKind.Cpu, i).ToString(),
            1,
            4,
            [ModelLoader.Load("captioner", Captioner, new ModelOptions()), ModelLoader.Load("clip", Clip, new ModelOptions())]))]);
        using var batcher = new DynamicBatcher(options, TimeProvider.System);
        using var runner = new DeviceRunner(batcher, registry.Devices, options, TimeProvider.System, metrics);
        runner.WarmUp(CancellationToken.None);
        runner.Start();
        var images = Directory.GetFiles(Path.Combine(Captioner, "golden", "images")).Order(StringComparer.Ordinal).ToArray();
        var captions = Submit(batcher, registry.Find("captioner")!, Tasks.Caption, images);
        var embeddings = Submit(batcher, registry.Find("clip")!, Tasks.Embedding, images);
        var found = (
            (await Task.WhenAll(captions)).Select(outcome => ((CaptionOutcome)outcome).Sequences[0].Text).ToArray(),
            (await Task.WhenAll(embeddings)).Select(outcome => ((EmbeddingOutcome)outcome).Values).ToArray());
        using var text = new MemoryStream();
        await metrics.Registry.CollectAndExportAsTextAsync(text);
        return (found.Item1, found.Item2, Encoding.UTF8.GetString(text.ToArray()));
    }

    private static Task<InferenceOutcome>[] Submit(DynamicBatcher batcher, IModel model, string task, string[] images) =>
        [.. Enumerable.Range(0, 64).Select(i => SubmitAsync(batcher, model, task, images[i % images.Length]))];

    private static async Task<InferenceOutcome> SubmitAsync(DynamicBatcher batcher, IModel model, string task, string image)
    {
        var input = new ImageInput(task, TestImages.Prepare(image, model.Images!.Resize), model.Resolve(null));
        return (await batcher.SubmitAsync(input, model, new RowTerms(BatchPriority.Backfill), CancellationToken.None)).Outcome;
    }

    private static double Cosine(float[] a, float[] b) => TensorPrimitives.CosineSimilarity<float>(a, b);
}
