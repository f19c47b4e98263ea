using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>What convert makes of the fixtures' checkpoints, and optimize of their exports, gives what transformers gives.</summary>
public sealed class ConvertedModelTests : IDisposable
{
    private readonly string _output = Path.Combine(Path.GetTempPath(), $"vlworker-converted-{Guid.NewGuid():N}");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_captioner_gives_every_golden_token_and_score(bool fromCheckpoint)
    {
        Convert("vit-gpt2-tiny", fromCheckpoint);
        using var fixture = new CaptionFixture();
        using var model = ModelLoader.Load("tiny", _output, new ModelOptions());
        fixture.Check(fixture.Golden.Captions, model);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_embedder_gives_every_golden_embedding(bool fromCheckpoint)
    {
        Convert("clip-tiny", fromCheckpoint);
        using var fixture = new EmbeddingFixture();
        using var model = ModelLoader.Load("tiny", _output, new ModelOptions());
        var images = fixture.Golden.Images.ToList();
        var outcomes = model.Run([.. images.Select(stem => new ImageInput(Tasks.Embedding, fixture.Golden.Pixels(stem), null))], CancellationToken.None);
        for (var i = 0; i < images.Count; i++)
            EmbeddingFixture.CheckVector(fixture.Golden.Tensors[$"image_embeds.{images[i]}"].Values, outcomes[i]);
        var texts = fixture.Golden.Texts;
        outcomes = model.Run([.. texts.Select(text => new TextInput(new TokenizedText(text.Ids, false)))], CancellationToken.None);
        for (var i = 0; i < texts.Count; i++)
            EmbeddingFixture.CheckVector(fixture.Golden.Tensors[$"text_embeds.{texts[i].Number}"].Values, outcomes[i]);
    }

    public void Dispose() => Directory.Delete(_output, recursive: true);

    private void Convert(string fixture, bool fromCheckpoint)
    {
        var folder = FixtureArchive.Extract(fixture);
        ModelConverter.Convert(
            fromCheckpoint ? SourceModel.OpenCheckpoint(folder) : SourceModel.OpenExport(folder, ModelPrecision.Fp32),
            new ConversionOptions(ConversionTarget.Cpu, ConversionPrecision.Fp32), _output);
    }
}
