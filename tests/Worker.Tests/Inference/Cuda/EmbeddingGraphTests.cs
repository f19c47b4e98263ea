using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Families.Clip.CudaGraphs;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>The embedder's graphs for CUDA give what transformers gives.</summary>
public sealed class EmbeddingGraphTests : IDisposable
{
    private readonly string _folder = FixtureArchive.Extract("clip-tiny");
    private readonly GoldenCases _golden;
    private readonly ClipParameters _parameters;

    public EmbeddingGraphTests()
    {
        _golden = new GoldenCases(_folder);
        _parameters = (ClipParameters)ExportedModel.Read(ModelFolder.Open(_folder));
    }

    [Fact]
    public void Images_give_the_embeddings_of_transformers()
    {
        var images = PreprocessorConfig.Load(_folder);
        using var graph = new GraphRun(ClipCudaGraphs.Vision(_parameters, images.Normalization, ElementType.Float));
        var (rows, rowBytes) = (_parameters.Vision.Positions.Rows, _parameters.Vision.PatchProjection.Rows);
        var writer = SignedPatchWriter.For(images.Resize, rows, rowBytes);
        string[] names = [.. _golden.Images];
        var pixels = new sbyte[names.Length * writer.ImageBytes];
        for (var i = 0; i < names.Length; i++)
            writer.Write(_golden.Pixels(names[i]), MemoryMarshal.AsBytes(pixels.AsSpan(i * writer.ImageBytes, writer.ImageBytes)));
        graph.Run((VisionTower.Pixels, pixels, [names.Length, rows, rowBytes]));
        for (var i = 0; i < names.Length; i++)
            Check($"image_embeds.{names[i]}", graph.Floats[ClipCudaGraphs.Names.ImageEmbeddings], i);
    }

    [Fact]
    public void Texts_of_different_lengths_in_one_batch_give_the_embeddings_of_transformers()
    {
        using var graph = new GraphRun(ClipCudaGraphs.Text(_parameters, ElementType.Float));
        var length = _golden.Texts.Max(text => text.Ids.Length);
        long[] ids = [.. _golden.Texts.SelectMany(text => Enumerable.Range(0, length).Select(i => (long)text.Ids[Math.Min(i, text.Ids.Length - 1)]))];
        long[] ends = [.. _golden.Texts.Select(text => (long)Array.IndexOf(text.Ids, text.Ids.Max()))];
        graph.Run((ClipCudaGraphs.Names.Ids, ids, [_golden.Texts.Count, length]), (ClipCudaGraphs.Names.Ends, ends, [_golden.Texts.Count, 1]));
        for (var i = 0; i < _golden.Texts.Count; i++)
            Check($"text_embeds.{_golden.Texts[i].Number}", graph.Floats[ClipCudaGraphs.Names.TextEmbeddings], i);
    }

    public void Dispose() => _golden.Dispose();

    private void Check(string name, float[] embeddings, int row)
    {
        var golden = _golden.Tensors[name].Values;
        Assert.InRange(TensorPrimitives.CosineSimilarity(golden, embeddings.AsSpan(row * golden.Length, golden.Length)), 0.99999f, 1.00001f);
    }
}
