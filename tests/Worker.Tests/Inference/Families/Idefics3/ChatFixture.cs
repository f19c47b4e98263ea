using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Inference;
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
internal sealed record ChatCase(GoldenCaption Caption, string Image)
{
    /// <summary>The question.</summary>
    public string Prompt => Caption.Prompt!;

    /// <summary>Tokens of the prompt, the image's included.</summary>
    public int PromptLength => Caption.InputIds.Length;

    public static ChatCase Read(JsonElement json)
    {
        var caption = GoldenCaption.Read(json);
        return new ChatCase(caption, caption.Image + (json.GetProperty("processor").GetProperty("do_image_splitting").GetBoolean() ? ".split" : ""));
    }
}
