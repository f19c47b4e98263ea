using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Inference.Tokenizing;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Families.Blip;

/// <summary>The tiny BLIP in its three layouts, and what transformers gave for it.</summary>
public sealed class BlipFixture : IDisposable
{
    /// <summary>text_config.sep_token_id.</summary>
    private const int EndToken = 102;

    public BlipFixture()
    {
        Folder = FixtureArchive.Extract("blip-captioning");
        Golden = new GoldenCases(Folder);
        Tokenizer = HubTokenizer.Load(Folder);
        Merged = Load(Folder);
        SplitFolder = ModelFolders.CopyWithout(Folder, "onnx/text_decoder_model_merged.onnx");
        Split = Load(SplitFolder);
        NoCache = Load(Path.Combine(Folder, "nocache"));
    }

    internal string Folder { get; }

    internal string SplitFolder { get; }

    internal GoldenCases Golden { get; }

    internal HubTokenizer Tokenizer { get; }

    internal IModel Merged { get; }

    internal IModel Split { get; }

    internal IModel NoCache { get; }

    internal static IModel Load(string folder) => ModelLoader.Load("blip", folder, new ModelOptions());

    internal ImageInput Input(GoldenCaption golden) => Input(golden.Image, golden.Prompt, golden.Parameters);

    internal ImageInput Input(string image, string? prompt, GenerationParameters? parameters = null) =>
        new(Tasks.Caption, Golden.Pixels(image), parameters ?? Merged.Resolve(null), prompt);

    internal void Check(IReadOnlyList<GoldenCaption> captions, IModel model)
    {
        var outcomes = model.Run([.. captions.Select(Input)], CancellationToken.None);
        for (var i = 0; i < captions.Count; i++)
            Unpadded(captions[i]).Check(outcomes[i]);
    }

    // generate() pads the shorter of two sequences to the longer one's length, for BLIP with the end token itself.
    private static GoldenCaption Unpadded(GoldenCaption golden) =>
        golden.SecondTokens is { } second && Array.IndexOf(second, EndToken) is >= 0 and var end ? golden with { SecondTokens = second[..(end + 1)] } : golden;

    public void Dispose()
    {
        foreach (var model in (IModel[])[Merged, Split, NoCache])
            model.Dispose();
        Golden.Dispose();
        Directory.Delete(SplitFolder, true);
    }
}
