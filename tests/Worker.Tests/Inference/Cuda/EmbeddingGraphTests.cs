using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Embedders;
using VlWorker.Inference.Families.Embedders.Cuda;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
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
        var folder = ModelFolder.Open(FixtureArchive.Extract(fixture));
        using var golden = new GoldenCases(folder.Path);
        var images = PreprocessorConfig.Load(folder.Path);
        using var graph = new GraphRun(Build(folder, CudaLayout.Vision));
        var (rows, rowBytes) = (graph.Shape(VisionTower.Pixels)[1], graph.Shape(VisionTower.Pixels)[2]);
        var writer = SignedPatchWriter.For(images.Resize, rows, rowBytes);
        string[] names = [.. golden.Images];
        var pixels = new sbyte[names.Length * writer.ImageBytes];
        for (var i = 0; i < names.Length; i++)
            writer.Write(golden.Pixels(names[i]), MemoryMarshal.AsBytes(pixels.AsSpan(i * writer.ImageBytes, writer.ImageBytes)));
        graph.Run((VisionTower.Pixels, pixels, [names.Length, rows, rowBytes]));
        for (var i = 0; i < names.Length; i++)
            Check(golden, $"image_embeds.{names[i]}", graph.Floats[EmbedderNames.ImageEmbeddings], i);
    }

    [Theory]
    [InlineData("clip-tiny")]
    [InlineData("siglip")]
    [InlineData("siglip2")]
    public void Texts_of_different_lengths_in_one_batch_give_the_embeddings_of_transformers(string fixture)
    {
        var folder = ModelFolder.Open(FixtureArchive.Extract(fixture));
        using var golden = new GoldenCases(folder.Path);
        var padding = EmbedderFamily.Of(folder).PaddingOf(folder.Config, HubTokenizer.Load(folder.Path));
        using var graph = new GraphRun(Build(folder, CudaLayout.Text));
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

    private static OnnxModel Build(ModelFolder folder, string graph)
    {
        FamilyParameters parameters = folder.Family == ModelFamily.Clip
            ? ExportedModel.Read(folder) : CheckpointModel.Read(folder.Path, folder.Family, folder.Config);
        return CudaModels.Build(parameters, PreprocessorConfig.Load(folder.Path).Normalization, ElementType.Float).Single(entry => entry.Name == graph).Model;
    }

    private static void Check(GoldenCases cases, string name, float[] embeddings, int row)
    {
        var golden = cases.Tensors[name].Values;
        Assert.InRange(TensorPrimitives.CosineSimilarity(golden, embeddings.AsSpan(row * golden.Length, golden.Length)), 0.9999f, 1.0001f);
    }
}
