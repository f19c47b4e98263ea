using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.ModelKit.Configuration;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3;

/// <summary>The tiny SmolVLM, with its golden cases: images cut into tiles in some, whole in others.</summary>
public sealed class ChatFixture : IDisposable
{
    private readonly Dictionary<string, PreparedPixels> _images = [];

    public ChatFixture()
    {
        Folder = FixtureArchive.Extract("smolvlm");
        Exported = ModelLoader.Load("tiny", Folder, new ModelOptions());
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "golden", "golden.json")));
        Cases = [.. json.RootElement.GetProperty("cases").EnumerateArray().Select(ChatCase.Read)];
        var split = Exported.Images!.Resize;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Folder, "golden", "images")))
        {
            var stem = Path.GetFileNameWithoutExtension(file);
            _images[stem] = TestImages.Prepare(file, split with { Tiling = split.Tiling! with { Split = false } });
            _images[stem + ".split"] = TestImages.Prepare(file, split);
        }
    }

    internal string Folder { get; }

    internal IModel Exported { get; }

    internal IReadOnlyList<ChatCase> Cases { get; }

    internal IReadOnlyDictionary<string, PreparedPixels> Images => _images;

    internal ImageInput Input(ChatCase golden) => new(Tasks.Answer, _images[golden.Image], golden.Caption.Parameters, golden.Prompt);

    /// <summary>Runs cases in one call and compares ids, tokens, texts and scores.</summary>
    internal void Check(IReadOnlyList<ChatCase> cases, IModel model)
    {
        var outcomes = model.Run([.. cases.Select(Input)], CancellationToken.None);
        for (var i = 0; i < cases.Count; i++)
        {
            var (golden, sequences) = (cases[i].Caption, Assert.IsType<CaptionOutcome>(outcomes[i]).Sequences);
            Assert.Equal(golden.Tokens, sequences[0].TokenIds);
            Assert.Equal(cases[i].Score, sequences[0].Score, 1e-3 * Math.Max(1, Math.Abs(cases[i].Score)));
            Assert.Equal(golden.Text, sequences[0].Text);
            Assert.Equal(golden.Tokens.Length - cases[i].PromptLength, sequences[0].GeneratedTokens);
            Assert.Equal(golden.Parameters.NumReturnSequences, sequences.Count);
            if (golden.SecondTokens is null)
                continue;
            Assert.Equal(golden.SecondTokens, sequences[1].TokenIds);
            Assert.Equal(golden.SecondScore!.Value, sequences[1].Score, 1e-3 * Math.Max(1, Math.Abs(golden.SecondScore.Value)));
        }
    }

    public void Dispose()
    {
        Exported.Dispose();
        foreach (var pixels in _images.Values)
            pixels.Dispose();
    }
}

/// <summary>One golden case.</summary>
/// <param name="Caption">What is generated; the tokens begin with the prompt's.</param>
/// <param name="Image">The image's stem, with ".split" where it is cut into tiles.</param>
/// <param name="Prompt">The question.</param>
/// <param name="PromptLength">Tokens of the prompt, the image's included.</param>
/// <param name="Score">Its score; for greedy search the mean of the log-probabilities.</param>
internal sealed record ChatCase(GoldenCaption Caption, string Image, string Prompt, int PromptLength, double Score)
{
    public static ChatCase Read(JsonElement json)
    {
        var (caption, length) = (GoldenCaption.Read(json), json.GetProperty("input_ids").GetArrayLength());
        var split = json.GetProperty("processor").GetProperty("do_image_splitting").GetBoolean();
        return new ChatCase(
            caption, caption.Image + (split ? ".split" : ""), json.GetProperty("prompt").GetString()!, length,
            caption.Parameters.NumBeams > 1 ? caption.Score : json.GetProperty("sum_logprob").GetDouble() / (caption.Tokens.Length - length));
    }
}
