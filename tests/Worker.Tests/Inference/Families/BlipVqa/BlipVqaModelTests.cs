using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Worker.Tests.Inference.Families.BlipVqa;

public sealed class BlipVqaModelTests(BlipVqaFixture fixture) : IClassFixture<BlipVqaFixture>
{
    // text_config.max_position_embeddings
    private const int Context = 40;

    [Fact]
    public void It_answers_questions_and_does_nothing_else()
    {
        Assert.Equal([Tasks.Answer], fixture.Model.Tasks);
        Assert.True(fixture.Model is { TakesPrompt: true, EmbedsText: false });
        var error = Rejection(fixture.Input("a picture of", Tasks.Caption));
        Assert.Equal(RejectionReason.UnsupportedTask, error.Reason);
        Assert.Contains("model vqa does answer of images and nothing else", error.Message);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" \t\n")]
    [InlineData("\u200B\u0000\u0301")]
    public void An_empty_question_is_refused_before_an_image_is_read(string? question)
    {
        Assert.Equal(RejectionReason.BadRequest, Rejection(fixture.Input(question)).Reason);
        Assert.Contains("the question is empty", Assert.Throws<RejectedException>(() => fixture.Model.CheckPrompt(Tasks.Answer, question)).Message);
    }

    [Fact]
    public void A_question_may_fill_the_context_and_no_more()
    {
        // One token each, beside [CLS] and [SEP].
        static string Words(int count) => string.Join(' ', Enumerable.Repeat("a", count));
        fixture.Model.CheckPrompt(Tasks.Answer, Words(Context - 2));
        Assert.NotEmpty(Answer(Words(Context - 2)).TokenIds);
        var error = Rejection(fixture.Input(Words(Context - 1)));
        Assert.Equal(RejectionReason.BadRequest, error.Reason);
        Assert.Contains("the question has 41 tokens, and the model's context has room for 40", error.Message);
    }

    [Fact]
    public void One_bad_question_leaves_the_rest_of_its_batch_alone()
    {
        var good = fixture.Golden.Captions[0];
        var outcomes = fixture.Model.Run([fixture.Input(good), fixture.Input(" "), fixture.Input(good)], CancellationToken.None);
        Assert.IsType<RejectedException>(Assert.IsType<FailedOutcome>(outcomes[1]).Error);
        good.Check(outcomes[0]);
        good.Check(outcomes[2]);
    }

    [Theory]
    [InlineData("what is [SEP] this [CLS] ?", "what is this ?")]
    [InlineData("[MASK]", "mask")]
    public void Special_tokens_that_a_user_types_are_plain_text(string question, string other)
    {
        var ids = fixture.Tokenizer.Encode(question, parseSpecialTokens: false);
        var special = new[] { "[PAD]", "[CLS]", "[SEP]", "[MASK]" }.Select(token => fixture.Tokenizer.IdOf(token)!.Value);
        Assert.Empty(ids[1..^1].Intersect(special));
        // Read as letters, they are part of the question.
        Assert.NotEqual(Answer(other).Score, Answer(question).Score);
    }

    [Fact]
    public void An_answer_ends_where_a_stop_string_begins()
    {
        var question = fixture.Golden.Captions[0].Prompt!;
        var (whole, stop) = (Answer(question).Text, Answer(question).Text[^2..]);
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], Answer(question, new GenerationOptions { Stop = [stop] }).Text);
    }

    [Fact]
    public void A_checkpoint_without_graphs_says_what_makes_them() => Assert.Contains(
        "no exported graphs of a blip-vqa are known: make it of the checkpoint (vl-worker model convert)",
        Assert.Throws<ModelFolderException>(() => BlipVqaFixture.Load(fixture.Folder).Dispose()).Message);

    [Fact]
    public void A_gpu_takes_a_folder_that_was_built_for_one()
    {
        var built = fixture.Convert(ConversionPrecision.Fp32);
        try
        {
            var gpu = new DeviceSpec(new DeviceName(DeviceKind.Cuda, 0), 1, 8);
            Assert.Contains(
                "the folder is not built for a GPU (vl-worker model convert --target cuda)",
                Assert.Throws<ModelFolderException>(() => ModelLoader.Load(fixture.Model.Reference, ModelFolder.Open(built), new ModelOptions(), gpu)).Message);
        }
        finally
        {
            Directory.Delete(built, true);
        }
    }

    private GeneratedSequence Answer(string question, GenerationOptions? options = null) => Assert.IsType<CaptionOutcome>(
        fixture.Model.Run([fixture.Input(question, options: options)], CancellationToken.None)[0]).Sequences[0];

    private RejectedException Rejection(ImageInput row) =>
        Assert.IsType<RejectedException>(Assert.IsType<FailedOutcome>(fixture.Model.Run([row], CancellationToken.None)[0]).Error);
}
