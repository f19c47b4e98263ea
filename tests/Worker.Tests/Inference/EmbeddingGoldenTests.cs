using System.Numerics.Tensors;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit.Conversion;
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

public sealed class Siglip2GoldenTests(EmbeddingFixture<Siglip2Tiny> fixture)
    : EmbeddingGoldenTests<Siglip2Tiny>(fixture), IClassFixture<EmbeddingFixture<Siglip2Tiny>>
{
    protected override int ContextLength => 64;
}

/// <summary>As converted from the checkpoint; images keep their aspects, so that one batch holds many sizes.</summary>
public sealed class Siglip2NaflexGoldenTests(EmbeddingFixture<Siglip2NaflexTiny> fixture)
    : EmbeddingGoldenTests<Siglip2NaflexTiny>(fixture), IClassFixture<EmbeddingFixture<Siglip2NaflexTiny>>
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

    /// <summary>The token with which transformers pads texts up to the context; null where nothing is padded.</summary>
    static virtual int? Padding => null;

    /// <summary>Whether it stands at the end of every text as well.</summary>
    static virtual bool EndsWithPadding => false;

    /// <summary>Whether the model is converted from its checkpoint; otherwise it runs as it was exported.</summary>
    static virtual bool Converted => false;
}

public sealed class ClipTiny : IFixtureFolder
{
    public static string Name => "clip-tiny";
}

public sealed class SiglipTiny : IFixtureFolder
{
    public static string Name => "siglip";

    public static int? Padding => 1;

    public static bool EndsWithPadding => true;
}

public sealed class Siglip2Tiny : IFixtureFolder
{
    public static string Name => "siglip2";

    public static int? Padding => 0;
}

public sealed class Siglip2NaflexTiny : IFixtureFolder
{
    public static string Name => "siglip2-naflex";

    public static int? Padding => 0;

    public static bool Converted => true;
}

public sealed class Dinov2Tiny : IFixtureFolder
{
    public static string Name => "dinov2";
}

/// <summary>A tiny embedder.</summary>
public sealed class EmbeddingFixture<TFolder>() : EmbeddingFixture(TFolder.Name, TFolder.Padding, TFolder.EndsWithPadding, TFolder.Converted)
    where TFolder : IFixtureFolder;

/// <summary>A tiny embedder.</summary>
public abstract class EmbeddingFixture : IDisposable
{
    private readonly int? _padding;
    private readonly bool _endsWithPadding;
    private readonly string? _converted;

    protected EmbeddingFixture(string name, int? padding, bool endsWithPadding, bool converted)
    {
        (Name, _padding, _endsWithPadding) = (name, padding, endsWithPadding);
        var folder = FixtureArchive.Extract(name);
        Golden = new GoldenCases(folder);
        _converted = converted ? OptimizedFolders.Cpu(SourceModel.OpenCheckpoint(folder), ConversionPrecision.Fp32) : null;
        Model = ModelLoader.Load("tiny", _converted ?? folder, new ModelOptions());
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

    /// <summary>The golden ids of a text without what it is padded with.</summary>
    internal int[] IdsOf(GoldenText text)
    {
        if (_padding is not { } padding)
            return text.Ids;
        var length = text.Ids.AsSpan().LastIndexOfAnyExcept(padding) + 1;
        return text.Ids[..(_endsWithPadding ? length + 1 : length)];
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
        if (_converted is not null)
            Directory.Delete(_converted, recursive: true);
        GC.SuppressFinalize(this);
    }

    private void Check(IModel model, IReadOnlyList<InferenceInput> rows, IReadOnlyList<string> names)
    {
        var outcomes = model.Run(rows, CancellationToken.None);
        for (var i = 0; i < rows.Count; i++)
            CheckVector(Golden.Tensors[names[i]].Values, outcomes[i]);
    }
}
