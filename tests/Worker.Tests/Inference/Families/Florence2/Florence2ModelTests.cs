using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Worker.Tests.Inference.Families.Florence2;

public sealed class Florence2ModelTests(FlorenceFixture fixture) : IClassFixture<FlorenceFixture>
{
    [Fact]
    public void It_says_what_it_is()
    {
        Assert.Equal([Tasks.Caption, Tasks.Answer, Tasks.Detect], fixture.Model.Tasks);
        Assert.True(fixture.Model.TakesPrompt && !fixture.Model.EmbedsText);
        var defaults = fixture.Model.Resolve(null)!;
        Assert.Equal((3, 3, 257), (defaults.NumBeams, defaults.NoRepeatNgramSize, defaults.MaxLength));
    }

    [Theory]
    [InlineData(Tasks.Answer, null)]
    [InlineData(Tasks.Caption, "<NO_SUCH_TASK>")]
    [InlineData(Tasks.Detect, "<CAPTION>")]
    public void A_row_that_makes_no_sense_is_rejected_and_the_others_are_not(string task, string? prompt)
    {
        var good = fixture.Input(fixture.Golden.Captions[0]);
        var outcomes = fixture.Model.Run([good, new ImageInput(task, good.Pixels, good.Generation, prompt), good], CancellationToken.None);
        Assert.Equal(RejectionReason.BadRequest, Assert.IsType<RejectedException>(Assert.IsType<FailedOutcome>(outcomes[1]).Error).Reason);
        fixture.Golden.Captions[0].Check(outcomes[0]);
        fixture.Golden.Captions[0].Check(outcomes[2]);
    }

    [Fact]
    public void A_prompt_is_refused_before_an_image_is_read()
    {
        Assert.Throws<RejectedException>(() => fixture.Model.CheckPrompt(Tasks.Answer, null));
        Assert.Throws<RejectedException>(() => fixture.Model.CheckPrompt(Tasks.Answer, string.Concat(Enumerable.Repeat("long ", 500))));
        fixture.Model.CheckPrompt(Tasks.Detect, "a red car");
    }

    [Fact]
    public void What_is_detected_lies_in_the_upright_original()
    {
        var row = fixture.Input(fixture.Golden.Captions[0]);
        var tasks = new[] { null, "<OCR_WITH_REGION>", "<REGION_PROPOSAL>", "a red car", "<REGION_TO_SEGMENTATION><loc_1><loc_2><loc_300><loc_400>" };
        var rows = tasks.Select(prompt => new ImageInput(Tasks.Detect, row.Pixels, fixture.Model.Resolve(null), prompt) { Original = (640, 480) });
        var outcomes = fixture.Model.Run([.. rows], CancellationToken.None);
        Assert.All(outcomes, outcome => Assert.All(Assert.IsType<DetectionOutcome>(outcome).Detections, found =>
        {
            Assert.InRange(found.Box.Left, 0, found.Box.Right);
            Assert.InRange(found.Box.Right, 0, 640);
            Assert.InRange(found.Box.Bottom, found.Box.Top, 480);
        }));
    }

    [Fact]
    public void A_gpu_is_refused_with_the_reason()
    {
        var error = Assert.Throws<ModelFolderException>(() => ModelLoader.Load(
            fixture.Model.Reference, ModelFolder.Open(fixture.Folder), new ModelOptions(), new DeviceSpec(new DeviceName(DeviceKind.Cuda, 0), 1, 1)));
        Assert.Contains("florence2 runs on processors only", error.Message, StringComparison.Ordinal);
        var refused = Assert.Throws<NotSupportedException>(() =>
            GraphTargets.Find(ModelFamily.Florence2, new ConversionOptions(ConversionTarget.Cuda, ConversionPrecision.Fp16)));
        Assert.Equal("florence2 is not built for cuda", refused.Message);
    }
}
