using System.Numerics.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Embedders;
using VlWorker.Inference.Families.Embedders.Cuda;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>The embedders' graphs for CUDA give what transformers gives.</summary>
public sealed class EmbeddingGraphTests
{
    [Theory]
    [InlineData("clip-tiny")]
    [InlineData("siglip")]
    [InlineData("siglip2")]
    [InlineData("dinov2")]
    public void Images_give_the_embeddings_of_transformers(string fixture)
    {
        var source = Source(fixture);
        using var golden = new GoldenCases(source.Path);
        var images = PreprocessorConfig.Load(source.Path);
        using var graph = new GraphRun(Build(source, CudaLayout.Vision));
        var (rows, rowBytes) = (graph.Shape(VisionTower.Pixels)[1], graph.Shape(VisionTower.Pixels)[2]);
        CheckImages(golden, graph, [.. golden.Images], names => [PatchPixels.Of(golden, names, images.Resize, rows, rowBytes)]);
    }

    [Fact]
    public void Images_of_any_grid_alone_and_padded_in_one_batch_give_the_embeddings_of_transformers()
    {
        var source = Source("siglip2-naflex");
        using var golden = new GoldenCases(source.Path);
        using var graph = new GraphRun(Build(source, CudaLayout.Vision));
        var writer = new PaddedPatchWriter(
            PreprocessorConfig.Load(source.Path).Resize.Grid!, graph.Shape(PaddedPatches.RowWeights)[2], graph.Shape(PaddedPatches.ColumnWeights)[2]);
        string[] names = [.. golden.Images];
        Assert.True(names.Select(name => golden.Pixels(name)).Select(pixels => (pixels.Width, pixels.Height)).Distinct().Count() > 3);
        foreach (var batch in (string[][])[names, [.. names.Reverse()], .. names.Select(name => new[] { name })])
            CheckImages(golden, graph, batch, images => PatchPixels.Padded(golden, images, writer));
    }

    [Theory]
    [InlineData("clip-tiny")]
    [InlineData("siglip")]
    [InlineData("siglip2")]
    [InlineData("siglip2-naflex")]
    public void Texts_of_different_lengths_in_one_batch_give_the_embeddings_of_transformers(string fixture)
    {
        var source = Source(fixture);
        using var golden = new GoldenCases(source.Path);
        var padding = EmbedderFamily.Of(source.Family).PaddingOf(source.Config, HubTokenizer.Load(source.Path));
        using var graph = new GraphRun(Build(source, CudaLayout.Text));
        var length = padding?.Length ?? golden.Texts.Max(text => text.Ids.Length);
        var ids = new long[golden.Texts.Count * length];
        for (var i = 0; i < golden.Texts.Count; i++)
            TextStage.Write(golden.Texts[i].Ids, padding, ids.AsSpan(i * length, length));
        long[] ends = [.. golden.Texts.Select(text => (long)Array.IndexOf(text.Ids, text.Ids.Max()))];
        (string, Array, long[])[] inputs = [(EmbedderNames.Ids, ids, [golden.Texts.Count, length]), (EmbedderNames.Ends, ends, [golden.Texts.Count, 1])];
        graph.Run(padding is null ? inputs : inputs[..1]);
        for (var i = 0; i < golden.Texts.Count; i++)
            Check(golden, $"text_embeds.{golden.Texts[i].Number}", graph.Floats[EmbedderNames.TextEmbeddings], i);
    }

    private static void CheckImages(
        GoldenCases golden, GraphRun graph, string[] names, Func<string[], (string Name, Array Values, long[] Shape)[]> inputs)
    {
        graph.Run(inputs(names));
        for (var i = 0; i < names.Length; i++)
            Check(golden, $"image_embeds.{names[i]}", graph.Floats[EmbedderNames.ImageEmbeddings], i);
    }

    private static SourceModel Source(string fixture) => OptimizedFolders.Source(FixtureArchive.Extract(fixture), fixture != "clip-tiny");

    private static OnnxModel Build(SourceModel source, string graph) => CudaModels.Build(
        source.ReadParameters(), PreprocessorConfig.Load(source.Path).Normalization, ElementType.Float).Single(entry => entry.Name == graph).Model;

    private static void Check(GoldenCases cases, string name, float[] embeddings, int row)
    {
        var golden = cases.Tensors[name].Values;
        Assert.InRange(TensorPrimitives.CosineSimilarity(golden, embeddings.AsSpan(row * golden.Length, golden.Length)), 0.9999f, 1.0001f);
    }
}
