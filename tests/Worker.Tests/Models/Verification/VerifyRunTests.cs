using System.Text.Json;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.Models;
using VlWorker.Models.Pruning;
using VlWorker.Models.Verification;
using VlWorker.Worker.Tests.Demo;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Models.Verification;

/// <summary>The whole verb with tiny models in ONNX Runtime.</summary>
public sealed class VerifyRunTests : VerbTest
{
    [Fact]
    public async Task A_captioner_equals_itself()
    {
        var report = await JsonAsync(ModelExit.Good, new VerifySettings(new ModelChoice(Captioner), new ModelChoice(Captioner), Pictures) { Beams = 3, Rounds = 1 });
        var captions = report.GetProperty("captions");

        Assert.True(report.GetProperty("good").GetBoolean());
        Assert.Equal(6, report.GetProperty("compared").GetInt32());
        Assert.Equal((6, 6, 0), (captions.GetProperty("equalTokens").GetInt32(), captions.GetProperty("equalCaptions").GetInt32(), captions.GetProperty("differences").GetArrayLength()));
        Assert.Equal(0, captions.GetProperty("maxScoreDeviation").GetDouble());
        Assert.True(report.GetProperty("speed").GetProperty("candidateMedian").GetDouble() > 0);
        Assert.True(report.GetProperty("candidate").GetProperty("weightBytes").GetInt64() > 100_000);
    }

    [Fact]
    public async Task A_CLIP_equals_itself_and_its_recall_is_measured_by_the_truth()
    {
        var images = WithTruth();
        var report = await JsonAsync(ModelExit.Good, new VerifySettings(new ModelChoice(Clip), new ModelChoice(Clip), images) { Rounds = 0 });

        Assert.Equal((6, 6), (report.GetProperty("imageEmbeddings").GetProperty("count").GetInt32(), report.GetProperty("textEmbeddings").GetProperty("count").GetInt32()));
        Assert.Equal(1, report.GetProperty("imageEmbeddings").GetProperty("minCosine").GetDouble(), 1e-9);
        var recall = report.GetProperty("recall");
        Assert.Equal(recall.GetProperty("original").GetRawText(), recall.GetProperty("candidate").GetRawText());
        Assert.Equal(1, recall.GetProperty("candidate").GetProperty("imageToText10").GetDouble());
        Assert.False(report.TryGetProperty("speed", out _));
    }

    [Fact]
    public async Task Images_in_their_own_aspects_are_compared_from_32_bits_to_8()
    {
        foreach (var precision in (ConversionPrecision[])[ConversionPrecision.Fp32, ConversionPrecision.Int8])
            ModelConverter.Convert(
                SourceModel.OpenCheckpoint(FixtureArchive.Extract("siglip2-naflex")), new ConversionOptions(ConversionTarget.Cpu, precision), Folder.At($"{precision}"));
        var settings = new VerifySettings(new ModelChoice(Folder.At("Fp32")), new ModelChoice(Folder.At("Int8")), WithTruth()) { Rounds = 1 };
        var report = await JsonAsync(ModelExit.Good, settings with { Thresholds = new Thresholds { MinCosine = 0.98 } });

        Assert.Equal((6, 6), (report.GetProperty("imageEmbeddings").GetProperty("count").GetInt32(), report.GetProperty("textEmbeddings").GetProperty("count").GetInt32()));
        Assert.InRange(report.GetProperty("imageEmbeddings").GetProperty("minCosine").GetDouble(), 0.98, 0.99999999);
        Assert.True(report.GetProperty("speed").GetProperty("candidateMedian").GetDouble() > 0);
    }

    [Fact]
    public async Task A_candidate_that_lost_its_weights_is_below_the_thresholds()
    {
        var broken = Folder.At("broken");
        Assert.Equal(ModelExit.Good, new PruneRun(new PruneSettings(Captioner, broken) { Sparsity = 0.97 }, Console.Console, Console.Error).Run());
        var settings = new VerifySettings(new ModelChoice(Captioner), new ModelChoice(broken), Pictures) { Rounds = 0, Out = Folder.At("report") };
        var report = await JsonAsync(ModelExit.Bad, settings);

        Assert.False(report.GetProperty("good").GetBoolean());
        Assert.False(report.GetProperty("checks")[0].GetProperty("good").GetBoolean());
        Assert.NotEqual(0, report.GetProperty("captions").GetProperty("differences").GetArrayLength());
        Assert.Contains("not good enough", File.ReadAllText(Folder.At("report/verification.html")), StringComparison.Ordinal);
        Assert.Equal(ModelExit.Good, await RunAsync(settings with { Thresholds = new Thresholds { MinEqualCaptions = 0 } }));
    }

    [Fact]
    public async Task Images_that_can_not_be_decoded_are_listed_and_not_fatal()
    {
        File.Copy(Path.Combine(Pictures, Directory.GetFiles(Pictures)[0]), Folder.Write("images/good" + Path.GetExtension(Directory.GetFiles(Pictures)[0]), []), overwrite: true);
        Folder.Write("images/broken.jpg", [0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3]);
        Folder.Write("images/notes.txt", "nothing"u8);
        var settings = new VerifySettings(new ModelChoice(Clip), new ModelChoice(Clip), Folder.At("images")) { Rounds = 0 };

        Assert.Equal(ModelExit.Good, await RunAsync(settings));
        Assert.Contains("left out: broken.jpg: corrupt", Console.Tables, StringComparison.Ordinal);
        Assert.Contains("1 images", Console.Tables, StringComparison.Ordinal);

        File.Delete(Directory.GetFiles(Folder.At("images"), "good*")[0]);
        Assert.Equal(ModelExit.Unusable, await RunAsync(settings));
        Assert.Contains("broken.jpg", Console.Error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_can_not_be_compared_is_said()
    {
        var same = new VerifySettings(new ModelChoice(Clip), new ModelChoice(Clip), Pictures) { Rounds = 0 };
        (VerifySettings Settings, string Said)[] cases =
        [
            (same with { Candidate = new ModelChoice(Captioner) }, "can't be compared"),
            (same with { Candidate = new ModelChoice(Folder.At("nowhere")) }, "does not exist"),
            (same with { Candidate = new ModelChoice(Clip, ModelPrecision.Q4) }, "precision q4 is not there"),
            (same with { Images = Folder.At("nowhere") }, "there is no folder"),
            (same with { Images = Folder.Path }, "there are no images"),
            (same with { Beams = 1000, Original = new ModelChoice(Captioner), Candidate = new ModelChoice(Captioner) }, "numBeams"),
            (same with { Batch = 0 }, "--batch"),
            (same with { Thresholds = new Thresholds { MinRecall = 0.5 } }, "truth.json"),
            (same with { Thresholds = new Thresholds { MinSpeedUp = 1 } }, "--rounds"),
            (same with { Texts = Folder.At("nowhere.txt") }, "nowhere.txt"),
        ];
        foreach (var (settings, said) in cases)
        {
            Console.Error.GetStringBuilder().Clear();
            Assert.Equal(ModelExit.Unusable, await RunAsync(settings));
            Assert.Contains(said, Console.Error.ToString(), StringComparison.Ordinal);
        }

        File.WriteAllText(Path.Combine(WithTruth(), "truth.json"), """{ "a.jpg": "a caption" }""");
        Assert.Equal(ModelExit.Unusable, await RunAsync(same with { Images = Folder.At("truth") }));
    }

    [Fact]
    public async Task Files_of_somebody_else_are_not_overwritten_and_own_ones_are()
    {
        var settings = new VerifySettings(new ModelChoice(Clip), new ModelChoice(Clip), Pictures) { Rounds = 0, Limit = 2, Out = Folder.At("report") };
        Assert.Equal(ModelExit.Good, await RunAsync(settings));
        Assert.Equal(ModelExit.Good, await RunAsync(settings));
        Assert.Equal(["verification.html", "verification.json"], Directory.GetFiles(Folder.At("report")).Select(Path.GetFileName).Order());

        File.WriteAllText(Folder.At("report/verification.html"), "mine");
        Assert.Equal(ModelExit.Unusable, await RunAsync(settings));
        Assert.Equal("mine", File.ReadAllText(Folder.At("report/verification.html")));
    }

    private string WithTruth()
    {
        var images = Directory.CreateDirectory(Folder.At("truth")).FullName;
        foreach (var file in Directory.GetFiles(Pictures))
            File.Copy(file, Path.Combine(images, Path.GetFileName(file)), overwrite: true);
        var truth = Directory.GetFiles(Pictures).Select((file, i) => new { file = Path.GetFileName(file), caption = $"picture number {i}" });
        File.WriteAllText(Path.Combine(images, "truth.json"), JsonSerializer.Serialize(truth));
        return images;
    }

    private async Task<JsonElement> JsonAsync(int exit, VerifySettings settings)
    {
        Console.Out.GetStringBuilder().Clear();
        var code = await RunAsync(settings with { Json = true });
        Assert.True(code == exit, Console.Error.ToString());
        return JsonDocument.Parse(Console.Out.ToString()).RootElement;
    }

    private Task<int> RunAsync(VerifySettings settings) =>
        new VerifyRun(settings, Console.Console, Console.Out, Console.Error, TimeProvider.System).RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(2));
}
