using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Inference.Tokenizing;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference;

public sealed class CaptionGoldenTests(CaptionFixture fixture) : IClassFixture<CaptionFixture>
{
    [Fact]
    public void Every_case_alone_gives_the_tokens_and_scores_of_transformers()
    {
        foreach (var golden in fixture.Golden.Captions)
            fixture.Check([golden], fixture.Merged);
    }

    [Fact]
    public void All_greedy_cases_in_one_batch_give_the_same() =>
        fixture.Check([.. fixture.Golden.Captions.Where(golden => golden.Parameters.NumBeams == 1)], fixture.Merged);

    [Fact]
    public void All_beam_cases_in_one_batch_give_the_same() =>
        fixture.Check([.. fixture.Golden.Captions.Where(golden => golden.Parameters.NumBeams > 1)], fixture.Merged);

    [Fact]
    public void Greedy_and_beam_cases_in_one_call_give_the_same() =>
        fixture.Check([.. fixture.Golden.Captions.Reverse()], fixture.Merged);

    [Fact]
    public void The_split_pair_of_decoders_gives_the_same() =>
        fixture.Check(fixture.Golden.Captions, fixture.Split);
}

/// <summary>The tiny captioner, with its merged decoder and with the split pair.</summary>
public sealed class CaptionFixture : IDisposable
{
    private readonly string _folder = FixtureArchive.Extract("vit-gpt2-tiny");
    private readonly Lazy<(string Folder, IModel Model)> _split;

    public CaptionFixture()
    {
        Golden = new GoldenCases(_folder);
        Tokenizer = HubTokenizer.Load(_folder);
        Merged = ModelLoader.Load("tiny", _folder, new ModelOptions());
        _split = new(LoadSplit);
    }

    internal GoldenCases Golden { get; }

    internal HubTokenizer Tokenizer { get; }

    internal IModel Merged { get; }

    internal IModel Split => _split.Value.Model;

    internal static ImageInput Input(GoldenCases golden, GoldenCaption caption) =>
        new(Tasks.Caption, golden.Pixels(caption.Image), caption.Parameters);

    internal void Check(IReadOnlyList<GoldenCaption> captions, IModel model)
    {
        var rows = captions.Select(caption => Input(Golden, caption)).ToList();
        var outcomes = model.Run(rows, CancellationToken.None);
        for (var i = 0; i < captions.Count; i++)
            captions[i].Check(outcomes[i]);
    }

    public void Dispose()
    {
        Merged.Dispose();
        Golden.Dispose();
        if (!_split.IsValueCreated)
            return;
        _split.Value.Model.Dispose();
        Directory.Delete(_split.Value.Folder, true);
    }

    private (string Folder, IModel Model) LoadSplit()
    {
        var folder = ModelFolders.CopyWithout(_folder, "onnx/decoder_model_merged.onnx");
        return (folder, ModelLoader.Load("tiny", folder, new ModelOptions()));
    }
}
