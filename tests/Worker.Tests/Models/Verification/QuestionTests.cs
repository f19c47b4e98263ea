using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit.Conversion;
using VlWorker.Models;
using VlWorker.Models.Verification;
using VlWorker.Worker.Tests.Fixtures;
using VlWorker.Worker.Tests.Inference;

namespace VlWorker.Worker.Tests.Models.Verification;

/// <summary>Models that are asked about each image.</summary>
public sealed class QuestionTests : VerbTest
{
    private const string Asked = "what color is the sky ?";

    private readonly string _vqa;

    public QuestionTests()
    {
        _vqa = Folder.At("vqa");
        ModelConverter.Convert(
            SourceModel.OpenCheckpoint(FixtureArchive.Extract("blip-vqa")), new ConversionOptions(ConversionTarget.Cpu, ConversionPrecision.Fp32), _vqa);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("smolvlm")] // captions, unless it is asked
    public async Task Answers_to_the_question_are_held_against_the_truth(string? fixture)
    {
        var model = fixture is null ? _vqa : FixtureArchive.Extract(fixture);
        var settings = new VerifySettings(new ModelChoice(model), new ModelChoice(model), WithAnswers(model))
        {
            Question = Asked,
            Rounds = 0,
            Json = true,
            Thresholds = new Thresholds { MinTruth = 1 },
        };
        Assert.True(await RunAsync(settings) == ModelExit.Good, Console.Out + Console.Error.ToString());
        var report = JsonDocument.Parse(Console.Out.ToString()).RootElement;
        Assert.Equal(Asked, report.GetProperty("question").GetString());
        Assert.Equal(6, report.GetProperty("captions").GetProperty("truth").GetProperty("candidate").GetInt32());

        Assert.Equal(ModelExit.Bad, await RunAsync(settings with { Question = "is there a dog , and how many people are there beside it ?", Json = false }));
        Assert.Contains("beside it ?", Console.Tables, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_question_that_can_not_be_asked_is_refused()
    {
        var same = new VerifySettings(new ModelChoice(_vqa), new ModelChoice(_vqa), Pictures) { Rounds = 0 };
        (VerifySettings Settings, string Said)[] cases =
        [
            (same with { Question = " " }, "--question is empty"),
            (same with { Question = string.Join(' ', Enumerable.Repeat("a", 60)) }, "the question has 62 tokens"),
            (same with { Question = Asked, Original = new ModelChoice(Clip), Candidate = new ModelChoice(Clip) }, "answers no questions: its tasks are embedding"),
        ];
        foreach (var (settings, said) in cases)
        {
            Console.Error.GetStringBuilder().Clear();
            Assert.Equal(ModelExit.Unusable, await RunAsync(settings));
            Assert.Contains(said, Console.Error.ToString(), StringComparison.Ordinal);
        }
    }

    // What the model itself answers.
    private string WithAnswers(string folder)
    {
        var images = Directory.CreateDirectory(Folder.At("images")).FullName;
        using var model = ModelLoader.Load("asked", folder, new ModelOptions());
        var truth = new List<object>();
        foreach (var file in Directory.GetFiles(Pictures))
        {
            File.Copy(file, Path.Combine(images, Path.GetFileName(file)));
            using var pixels = TestImages.Prepare(file, model.Images!.Resize);
            var outcome = model.Run([new ImageInput(Tasks.Answer, pixels, model.Resolve(null), Asked)], CancellationToken.None)[0];
            truth.Add(new { file = Path.GetFileName(file), caption = Assert.IsType<CaptionOutcome>(outcome).Sequences[0].Text });
        }

        File.WriteAllText(Path.Combine(images, "truth.json"), JsonSerializer.Serialize(truth));
        return images;
    }

    private Task<int> RunAsync(VerifySettings settings) =>
        new VerifyRun(settings, Console.Console, Console.Out, Console.Error, TimeProvider.System).RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(2));
}
