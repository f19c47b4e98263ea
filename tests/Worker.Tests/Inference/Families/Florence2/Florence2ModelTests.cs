using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;

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

    [Fact]
    public void Without_a_generation_file_the_text_model_s_defaults_hold()
    {
        var folder = ModelFolders.CopyWithout(fixture.Folder, "generation_config.json");
        try
        {
            ModelFolders.Change(folder, "config.json", json =>
            {
                foreach (var name in (string[])["decoder_start_token_id", "eos_token_id", "forced_eos_token_id"])
                {
                    json.AsObject().Remove(name);
                    json["text_config"]!.AsObject().Remove(name);
                }
            });
            using var model = ModelLoader.Load("tiny", folder, new ModelOptions());
            fixture.Check([.. fixture.Golden.Captions.Where(golden => golden.Parameters.NumBeams == 1)], model);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
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
    public void A_gpu_takes_a_folder_that_was_built_for_one()
    {
        var error = Assert.Throws<ModelFolderException>(() => ModelLoader.Load(
            fixture.Model.Reference, ModelFolder.Open(fixture.Folder), new ModelOptions(), new DeviceSpec(new DeviceName(DeviceKind.Cuda, 0), 1, 1)));
        Assert.Contains("the folder is not built for a GPU (vl-worker model convert --target cuda)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_built_for_a_gpu_keeps_the_model_s_own_ngrams_from_repeating()
    {
        var folder = Directory.CreateTempSubdirectory("vlworker-florence-").FullName;
        try
        {
            ModelConverter.Convert(
                SourceModel.OpenCheckpoint(fixture.Folder), new ConversionOptions(ConversionTarget.Cuda, ConversionPrecision.Fp32), Path.Combine(folder, "cuda"));
            var built = ModelFolder.Open(Path.Combine(folder, "cuda"));
            string[] names = [CudaLayout.Beams, CudaLayout.Encoder, CudaLayout.Greedy, CudaLayout.Vision];
            Assert.Equal(names, built.Graphs.Keys.Order(StringComparer.Ordinal));
            Assert.All([CudaLayout.Beams, CudaLayout.Greedy], name =>
                Assert.Equal(3, CaptionerNames.NgramSize(OnnxFile.Load(built.Graphs[name]).Graph.Input.Select(input => input.Name))));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }
}
