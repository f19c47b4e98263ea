using System.Numerics.Tensors;
using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Describing;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.Worker.Tests.Batching;
using VlWorker.Worker.Tests.Fixtures;
using VlWorker.Worker.Tests.Inference;

namespace VlWorker.Worker.Tests.Describing;

/// <summary>Scores of labels by the tiny models, against the vectors and the numbers that transformers gave.</summary>
public sealed class LabelClassifierTests(
    EmbeddingFixture<ClipTiny> clip, EmbeddingFixture<SiglipTiny> siglip, EmbeddingFixture<Siglip2Tiny> siglip2,
    EmbeddingFixture<Siglip2NaflexTiny> naflex)
    : IClassFixture<EmbeddingFixture<ClipTiny>>, IClassFixture<EmbeddingFixture<SiglipTiny>>, IClassFixture<EmbeddingFixture<Siglip2Tiny>>,
        IClassFixture<EmbeddingFixture<Siglip2NaflexTiny>>
{
    [Theory]
    [InlineData("clip-tiny", ScoreFunctions.Softmax)]
    [InlineData("siglip", ScoreFunctions.Sigmoid)]
    public async Task Scores_are_those_of_the_golden_vectors(string name, string function)
    {
        EmbeddingFixture fixture = name == clip.Name ? clip : siglip;
        using var bench = new ClassifierBench(fixture.Model);
        var texts = fixture.Golden.Texts.Where(text => text.Text.Length > 0 && !text.Text.Any(char.IsControl)).ToList();
        var image = Vector(fixture.Golden.Tensors["image_embeds.scene"].Values);
        var similarity = fixture.Model.Similarity!;
        var logits = texts.Select(text => (similarity.Scale * TensorPrimitives.Dot(image, Vector(fixture.Golden.Tensors[$"text_embeds.{text.Number}"].Values))) + similarity.Bias).ToArray();
        var sum = logits.Sum(logit => Math.Exp(logit - logits.Max()));
        var expected = logits.Select(logit => function == ScoreFunctions.Softmax ? Math.Exp(logit - logits.Max()) / sum : 1 / (1 + Math.Exp(-logit)));

        var result = await bench.ScoreAsync([.. texts.Select(text => text.Text)], null, image);

        Assert.Equal(function, result.Function);
        var scores = texts.Select(text => result.Labels.Single(label => label.Label == text.Text).Score);
        Assert.All(expected.Zip(scores), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
        Assert.Equal(result.Labels.OrderByDescending(label => label.Score), result.Labels);
    }

    [Theory]
    [InlineData("siglip2")]
    [InlineData("siglip2-naflex")]
    public async Task Every_pair_scores_as_in_transformers(string name)
    {
        EmbeddingFixture fixture = name == siglip2.Name ? siglip2 : naflex;
        using var bench = new ClassifierBench(fixture.Model);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(fixture.Golden.Folder, "golden", "golden.json")));
        var scores = json.RootElement.GetProperty("stems").EnumerateArray().Zip(json.RootElement.GetProperty("scores").EnumerateArray());
        var texts = fixture.Golden.Texts.Where(text => text.Text.Length > 0).ToList();

        foreach (var (stem, golden) in scores)
        {
            var image = Assert.IsType<EmbeddingOutcome>(
                fixture.Model.Run([new ImageInput(Tasks.Embedding, fixture.Golden.Pixels(stem.GetString()!), null)], CancellationToken.None)[0]);
            var result = await bench.ScoreAsync([.. texts.Select(text => text.Text)], null, image.Values);
            Assert.Equal(ScoreFunctions.Sigmoid, result.Function);
            var found = result.Labels.ToDictionary(label => label.Label, label => label.Score);
            Assert.All(texts, text => Assert.Equal(golden[text.Number].GetDouble(), found[text.Text], 1e-3));
        }
    }

    [Fact]
    public async Task A_label_is_embedded_once_with_its_template()
    {
        var texts = new List<int>();
        var model = new StubModel(rows =>
        {
            texts.AddRange(rows.Select(row => ((TextInput)row).Text.Ids.Length));
            return [.. rows.Select(row => new EmbeddingOutcome([((TextInput)row).Text.Ids[0] == 'c' ? 1 : 0.5f]))];
        })
        {
            Similarity = new Similarity(ScoreFunctions.Softmax, 10, 0),
        };
        using var bench = new ClassifierBench(model);

        var first = await bench.ScoreAsync(["cat", "dog"], "{} here", [1f]);
        var again = await bench.ScoreAsync(["dog", "cat"], "{} here", [1f]);
        await bench.ScoreAsync(["cat"], null, [1f]);

        Assert.Equal(["cat", "dog"], first.Labels.Select(label => label.Label));
        Assert.Equal(first.Labels, again.Labels);
        Assert.Equal([3, 8, 8], texts.Order());
    }

    [Fact]
    public async Task A_thousand_labels_are_embedded_in_parts()
    {
        var most = 0;
        var model = new StubModel(rows =>
        {
            most = Math.Max(most, rows.Count);
            return [.. rows.Select(_ => new EmbeddingOutcome([1f]))];
        })
        {
            Similarity = new Similarity(ScoreFunctions.Sigmoid, 1, 0),
        };
        using var bench = new ClassifierBench(model);

        var result = await bench.ScoreAsync([.. Enumerable.Range(0, 1024).Select(i => $"label {i}")], null, [1f]);

        Assert.Equal(1024, result.Labels.Count);
        Assert.Equal("label 0", result.Labels[0].Label);
        Assert.InRange(most, 2, 128);
    }

    [Theory]
    [InlineData(ScoreFunctions.Softmax, new[] { 1e5, 0.0, 1e5 }, new[] { 0.5, 0.0, 0.5 })]
    [InlineData(ScoreFunctions.Softmax, new[] { -1e5 }, new[] { 1.0 })]
    [InlineData(ScoreFunctions.Sigmoid, new[] { 1e5, 0.0, -1e5 }, new[] { 1.0, 0.5, 0.0 })]
    public void Scores_are_numbers_however_large_the_logits(string function, double[] logits, double[] expected) =>
        Assert.Equal(expected, LabelClassifier.Scores(logits, function));

    [Fact]
    public void Labels_template_and_numbers_are_part_of_the_result_id()
    {
        var planner = new RequestPlanner(new ModelRegistry([new Device("cpu", 1, 1, [siglip.Model])]));
        var request = new DescribeImage { Tasks = [Tasks.Classify], Labels = ["a", "b"] };
        string Id(DescribeImage asked) => planner.Plan(asked)[0].Parameters([]);

        string[] ids = [Id(request), Id(request with { Labels = ["b", "a"] }), Id(request with { LabelTemplate = "a {}" }), Id(request with { Labels = ["a"] })];
        Assert.Equal(4, ids.Distinct().Count());
        Assert.Equal(ids[0], Id(request));
    }

    [Fact]
    public void Without_the_learned_scale_the_task_is_not_offered()
    {
        var folder = ModelFolders.CopyWithout(FixtureArchive.Extract("siglip"), "model.safetensors");
        try
        {
            using var model = ModelLoader.Load("siglip", folder, new ModelOptions());
            var planner = new RequestPlanner(new ModelRegistry([new Device("cpu", 1, 1, [model])]));

            var error = Assert.Throws<RejectedException>(() => planner.Plan(new DescribeImage { Tasks = [Tasks.Classify], Labels = ["a"] }));

            Assert.Equal([Tasks.Embedding], model.Tasks);
            Assert.Equal(RejectionReason.UnsupportedTask, error.Reason);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Config_json_may_hold_the_scale_where_there_is_no_checkpoint()
    {
        var folder = ModelFolders.CopyWithout(FixtureArchive.Extract("clip-tiny"), "model.safetensors");
        try
        {
            ModelFolders.Change(folder, "config.json", config => config["logit_scale"] = 4.6052);
            using var model = ModelLoader.Load("clip", folder, new ModelOptions());

            Assert.Equal(100, model.Similarity!.Scale, 0.01);
            Assert.Contains(Tasks.Classify, model.Tasks);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static float[] Vector(float[] raw)
    {
        var values = new float[raw.Length];
        TensorPrimitives.Divide(raw, TensorPrimitives.Norm<float>(raw), values);
        return values;
    }
}
