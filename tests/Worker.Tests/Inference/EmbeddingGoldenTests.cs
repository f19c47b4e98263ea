using System.Numerics.Tensors;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference;

public sealed class ClipGoldenTests(EmbeddingFixture<ClipTiny> fixture) : EmbeddingGoldenTests<ClipTiny>(fixture), IClassFixture<EmbeddingFixture<ClipTiny>>
{
    protected override int ContextLength => 77;
}

public sealed class SiglipGoldenTests(EmbeddingFixture<SiglipTiny> fixture)
    : EmbeddingGoldenTests<SiglipTiny>(fixture), IClassFixture<EmbeddingFixture<SiglipTiny>>
{
    protected override int ContextLength => 64;
}

public sealed class Dinov2GoldenTests(EmbeddingFixture<Dinov2Tiny> fixture) : IClassFixture<EmbeddingFixture<Dinov2Tiny>>
{
    [Fact]
    public void Images_alone_and_in_one_batch_give_the_vectors_of_transformers()
    {
        Assert.All(fixture.Golden.Images, stem => fixture.CheckImages([stem]));
        fixture.CheckImages([.. fixture.Golden.Images]);
    }

    [Fact]
    public void Images_are_resized_to_the_same_bytes() => fixture.Golden.CheckResizedBytes();

    [Fact]
    public void It_reads_no_texts()
    {
        Assert.False(fixture.Model.EmbedsText);
        Assert.Equal([Tasks.Embedding], fixture.Model.Tasks);
        Assert.Equal(RejectionReason.UnsupportedTask, Assert.Throws<RejectedException>(() => fixture.Model.Tokenize("a")).Reason);
    }
}

/// <summary>What transformers gives for an embedder of two towers, from the graphs as they were exported.</summary>
public abstract class EmbeddingGoldenTests<TFolder>(EmbeddingFixture<TFolder> fixture)
    where TFolder : IFixtureFolder
{
    /// <summary>Tokens of a text at most.</summary>
    protected abstract int ContextLength { get; }

    [Fact]
    public void Images_alone_give_the_embeddings_of_transformers() =>
        Assert.All(fixture.Golden.Images, stem => fixture.CheckImages([stem]));

    [Fact]
    public void Images_in_one_batch_give_the_same() => fixture.CheckImages([.. fixture.Golden.Images]);

    [Fact]
    public void Images_are_resized_to_the_same_bytes() => fixture.Golden.CheckResizedBytes();

    [Fact]
    public void Texts_give_the_token_ids_of_transformers() =>
        Assert.All(fixture.Golden.Texts, text => Assert.Equal(fixture.IdsOf(text), fixture.Model.Tokenize(text.Text).Ids));

    [Fact]
    public void Only_the_text_longer_than_the_context_is_cut()
    {
        var cut = Assert.Single(fixture.Golden.Texts, text => fixture.Model.Tokenize(text.Text).Truncated);
        Assert.Equal(ContextLength, fixture.IdsOf(cut).Length);
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

/// <summary>Names a fixture.</summary>
public interface IFixtureFolder
{
    /// <summary>Its archive's name.</summary>
    static abstract string Name { get; }

    /// <summary>The end token, where transformers pads texts with it up to the context; null where nothing is padded.</summary>
    static virtual int? Padding => null;
}

public sealed class ClipTiny : IFixtureFolder
{
    public static string Name => "clip-tiny";
}

public sealed class SiglipTiny : IFixtureFolder
{
    public static string Name => "siglip";

    public static int? Padding => 1;
}

public sealed class Dinov2Tiny : IFixtureFolder
{
    public static string Name => "dinov2";
}

/// <summary>A tiny embedder, from its exported graphs.</summary>
public sealed class EmbeddingFixture<TFolder>() : EmbeddingFixture(TFolder.Name, TFolder.Padding)
    where TFolder : IFixtureFolder;

/// <summary>A tiny embedder, from its exported graphs.</summary>
public abstract class EmbeddingFixture : IDisposable
{
    private readonly int? _padding;

    protected EmbeddingFixture(string name, int? padding)
    {
        (Name, _padding) = (name, padding);
        var folder = FixtureArchive.Extract(name);
        Golden = new GoldenCases(folder);
        Model = ModelLoader.Load("tiny", folder, new ModelOptions());
    }

    internal string Name { get; }

    internal GoldenCases Golden { get; }

    internal IModel Model { get; }

    internal static void CheckVector(float[] golden, InferenceOutcome outcome)
    {
        var values = Assert.IsType<EmbeddingOutcome>(outcome).Values;
        Assert.Equal(golden.Length, values.Length);
        Assert.Equal(1, TensorPrimitives.Norm(values), 1e-5);
        Assert.InRange(TensorPrimitives.CosineSimilarity(golden, values), 0.9999f, 1.0001f);
    }

    /// <summary>The golden ids of a text; where they are padded, up to the first end token and with it.</summary>
    internal int[] IdsOf(GoldenText text)
    {
        if (_padding is not { } padding)
            return text.Ids;
        var length = Array.IndexOf(text.Ids, padding) + 1;
        Assert.All(text.Ids[length..], id => Assert.Equal(padding, id));
        return text.Ids[..length];
    }

    internal void CheckImages(IReadOnlyList<string> stems, IModel? model = null) => Check(
        model ?? Model,
        [.. stems.Select(stem => new ImageInput(Tasks.Embedding, Golden.Pixels(stem), null))],
        [.. stems.Select(stem => $"image_embeds.{stem}")]);

    internal void CheckTexts(IReadOnlyList<GoldenText> texts, IModel? model = null) => Check(
        model ?? Model,
        [.. texts.Select(text => new TextInput(new TokenizedText(IdsOf(text), false)))],
        [.. texts.Select(text => $"text_embeds.{text.Number}")]);

    public void Dispose()
    {
        Model.Dispose();
        Golden.Dispose();
        GC.SuppressFinalize(this);
    }

    private void Check(IModel model, IReadOnlyList<InferenceInput> rows, IReadOnlyList<string> names)
    {
        var outcomes = model.Run(rows, CancellationToken.None);
        for (var i = 0; i < rows.Count; i++)
            CheckVector(Golden.Tensors[names[i]].Values, outcomes[i]);
    }
}
