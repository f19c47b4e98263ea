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

    private readonly Lazy<string> _splitFolder;
    private readonly Lazy<IModel> _split;
    private readonly Lazy<IModel> _noCache;

    public BlipFixture()
    {
        Folder = FixtureArchive.Extract("blip-captioning");
        Golden = new GoldenCases(Folder);
        Tokenizer = HubTokenizer.Load(Folder);
        Merged = Load(Folder);
        _splitFolder = new(() => ModelFolders.CopyWithout(Folder, "onnx/text_decoder_model_merged.onnx"));
        _split = new(() => Load(SplitFolder));
        _noCache = new(() => Load(Path.Combine(Folder, "nocache")));
    }

    internal string Folder { get; }

    internal string SplitFolder => _splitFolder.Value;

    internal GoldenCases Golden { get; }

    internal HubTokenizer Tokenizer { get; }

    internal IModel Merged { get; }

    internal IModel Split => _split.Value;

    internal IModel NoCache => _noCache.Value;

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
        Merged.Dispose();
        foreach (var model in (Lazy<IModel>[])[_split, _noCache])
        {
            if (model.IsValueCreated)
                model.Value.Dispose();
        }

        Golden.Dispose();
        if (_splitFolder.IsValueCreated)
            Directory.Delete(SplitFolder, true);
    }
}
