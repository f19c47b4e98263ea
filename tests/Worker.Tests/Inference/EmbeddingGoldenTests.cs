using System.Numerics.Tensors;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference;

public sealed class EmbeddingGoldenTests(EmbeddingFixture fixture) : IClassFixture<EmbeddingFixture>
{
    [Fact]
    public void Images_alone_give_the_embeddings_of_transformers() =>
        Assert.All(fixture.Golden.Images, stem => fixture.CheckImages([stem]));

    [Fact]
    public void Images_in_one_batch_give_the_same() => fixture.CheckImages([.. fixture.Golden.Images]);

    [Fact]
    public void Texts_give_the_token_ids_of_transformers() =>
        Assert.All(fixture.Golden.Texts, text => Assert.Equal(text.Ids, fixture.Model.Tokenize(text.Text).Ids));

    [Fact]
    public void Only_the_text_longer_than_the_context_is_cut()
    {
        var cut = Assert.Single(fixture.Golden.Texts, text => fixture.Model.Tokenize(text.Text).Truncated);
        Assert.Equal(77, cut.Ids.Length);
    }

    [Fact]
    public void Texts_alone_give_the_embeddings_of_transformers() => Assert.All(fixture.Golden.Texts, text => fixture.CheckTexts([text]));

    [Fact]
    public void Texts_of_different_lengths_padded_to_one_batch_give_the_same() => fixture.CheckTexts(fixture.Golden.Texts);

    [Fact]
    public void Images_and_texts_in_one_call_keep_their_order()
    {
        var image = new ImageInput(Tasks.Embedding, fixture.Golden.Pixels("scene"), null);
        var text = new TextInput(fixture.Model.Tokenize(fixture.Golden.Texts[1].Text));
        var outcomes = fixture.Model.Run([text, image, text], CancellationToken.None);
        EmbeddingFixture.CheckVector(fixture.Golden.Tensors["text_embeds.1"].Values, outcomes[0]);
        EmbeddingFixture.CheckVector(fixture.Golden.Tensors["image_embeds.scene"].Values, outcomes[1]);
        EmbeddingFixture.CheckVector(fixture.Golden.Tensors["text_embeds.1"].Values, outcomes[2]);
    }
}

/// <summary>The tiny embedder.</summary>
public sealed class EmbeddingFixture : IDisposable
{
    public EmbeddingFixture()
    {
        var folder = FixtureArchive.Extract("clip-tiny");
        Golden = new GoldenCases(folder);
        Model = ModelLoader.Load("tiny", folder, new ModelOptions());
    }

    internal GoldenCases Golden { get; }

    internal IModel Model { get; }

    internal static void CheckVector(float[] golden, InferenceOutcome outcome)
    {
        var values = Assert.IsType<EmbeddingOutcome>(outcome).Values;
        Assert.Equal(golden.Length, values.Length);
        Assert.Equal(1, TensorPrimitives.Norm(values), 1e-5);
        Assert.InRange(TensorPrimitives.CosineSimilarity(golden, values), 0.9999f, 1.0001f);
    }

    internal void CheckImages(IReadOnlyList<string> stems) => Check(
        [.. stems.Select(stem => new ImageInput(Tasks.Embedding, Golden.Pixels(stem), null))],
        [.. stems.Select(stem => $"image_embeds.{stem}")]);

    internal void CheckTexts(IReadOnlyList<GoldenText> texts) => Check(
        [.. texts.Select(text => new TextInput(new TokenizedText(text.Ids, false)))],
        [.. texts.Select(text => $"text_embeds.{text.Number}")]);

    public void Dispose()
    {
        Model.Dispose();
        Golden.Dispose();
    }

    private void Check(IReadOnlyList<InferenceInput> rows, IReadOnlyList<string> names)
    {
        var outcomes = Model.Run(rows, CancellationToken.None);
        for (var i = 0; i < rows.Count; i++)
            CheckVector(Golden.Tensors[names[i]].Values, outcomes[i]);
    }
}
