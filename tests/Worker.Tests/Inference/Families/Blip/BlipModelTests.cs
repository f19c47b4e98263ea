using System.Text.Json.Nodes;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit;

namespace VlWorker.Worker.Tests.Inference.Families.Blip;

public sealed class BlipModelTests(BlipFixture fixture) : IClassFixture<BlipFixture>
{
    private const int Context = 64;

    [Fact]
    public void It_captions_with_or_without_a_prompt_and_does_nothing_else()
    {
        Assert.Equal([Tasks.Caption], fixture.Merged.Tasks);
        Assert.True(fixture.Merged.TakesPrompt);
        Assert.False(fixture.Merged.EmbedsText);
        var answer = new ImageInput(Tasks.Answer, fixture.Golden.Pixels("scene"), fixture.Merged.Resolve(null), "what is this?");
        Assert.Equal(RejectionReason.UnsupportedTask, Rejection(answer).Reason);
    }

    [Theory]
    [InlineData("a photo of [SEP] a [CLS] cat [MASK]")]
    [InlineData("[SEP]")]
    [InlineData("</s> <image> <|endoftext|> <fake_token_around_image> [PAD] [UNK]")]
    public void Special_tokens_that_a_user_types_are_plain_text(string prompt)
    {
        var special = new[] { "[PAD]", "[CLS]", "[SEP]", "[MASK]" }.Select(token => fixture.Tokenizer.IdOf(token)!.Value).ToArray();
        Assert.DoesNotContain(fixture.Tokenizer.EncodeUserText(prompt), id => special.Contains(id));
        Assert.Contains(fixture.Tokenizer.Encode("[SEP]", addSpecialTokens: false), id => special.Contains(id));

        var sequence = Caption(prompt);
        Assert.DoesNotContain(sequence.TokenIds.SkipLast(1), id => special.Contains(id));
    }

    [Fact]
    public void A_caption_begins_with_its_prompt() => Assert.StartsWith("a photo of", Caption("A photo  of").Text);

    [Fact]
    public void A_long_prompt_leaves_less_to_generate_and_a_longer_one_is_refused()
    {
        // One token each, beside the start token.
        string Prompt(int words) => string.Join(' ', Enumerable.Repeat("a", words));
        Assert.True(fixture.Merged.Resolve(null)!.MaxNewTokens > 1);
        Assert.Equal(1, Caption(Prompt(Context - 1)).GeneratedTokens);
        var error = Rejection(fixture.Input("scene", Prompt(Context)));
        Assert.Equal(RejectionReason.BadRequest, error.Reason);
        Assert.Contains("the prompt is 65 tokens long, and the model's context has 64", error.Message);
        Assert.Throws<RejectedException>(() => fixture.Merged.CheckPrompt(Tasks.Caption, Prompt(Context)));
        fixture.Merged.CheckPrompt(Tasks.Caption, Prompt(Context - 1));
    }

    [Fact]
    public void One_bad_prompt_leaves_the_rest_of_its_batch_alone()
    {
        var outcomes = fixture.Merged.Run(
            [fixture.Input("scene", null), fixture.Input("tall", string.Concat(Enumerable.Repeat("a ", 200))), fixture.Input("gray", "a picture of")],
            CancellationToken.None);
        Assert.IsType<RejectedException>(Assert.IsType<FailedOutcome>(outcomes[1]).Error);
        Assert.Equal(Caption(null).TokenIds, Assert.IsType<CaptionOutcome>(outcomes[0]).Sequences[0].TokenIds);
        Assert.IsType<CaptionOutcome>(outcomes[2]);
    }

    [Fact]
    public void Stop_strings_are_looked_for_behind_the_prompt()
    {
        var whole = Caption("a picture of");
        Assert.StartsWith("a picture of ", whole.Text);
        var stopped = Caption("a picture of", new GenerationOptions { Stop = ["picture", whole.Text[^2..]] });
        Assert.Equal(whole.Text[..^2], stopped.Text);
    }

    [Fact]
    public void Another_kind_of_blip_is_refused_by_name()
    {
        var folder = ModelFolders.CopyWithout(fixture.Folder);
        try
        {
            ModelFolders.Change(folder, "config.json", config => config["architectures"] = new JsonArray("BlipForImageTextRetrieval"));
            Assert.Contains("BlipForImageTextRetrieval", Assert.Throws<ModelFolderException>(() => BlipFixture.Load(folder).Dispose()).Message);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void A_gpu_takes_a_folder_that_was_built_for_one()
    {
        var folder = ModelFolder.Open(fixture.Folder);
        Assert.True(DeviceName.TryParse("cuda:0", out var gpu));
        var error = Assert.Throws<ModelFolderException>(() =>
            ModelLoader.Load(fixture.Merged.Reference, folder, new ModelOptions(), new DeviceSpec(gpu, 1, 8)).Dispose());
        Assert.Contains("the folder is not built for a GPU (vl-worker model convert --target cuda)", error.Message);
    }

    private GeneratedSequence Caption(string? prompt, GenerationOptions? options = null) => Assert.IsType<CaptionOutcome>(
        fixture.Merged.Run([fixture.Input("scene", prompt, fixture.Merged.Resolve(options))], CancellationToken.None)[0]).Sequences[0];

    private RejectedException Rejection(ImageInput row) =>
        Assert.IsType<RejectedException>(Assert.IsType<FailedOutcome>(fixture.Merged.Run([row], CancellationToken.None)[0]).Error);
}
