using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>A captioner for CUDA: images to what the decoder reads of them, one step of greedy search, one step of beam search.</summary>
internal static class CaptionerGraphs
{
    /// <summary>[images, 1 + patches, patch values] of int8 (<see cref="VisionTower"/>) to what the decoder's steps read of them.</summary>
    /// <param name="vision">The image encoder.</param>
    /// <param name="between">A layer between the two; null where there is none.</param>
    /// <param name="layers">The decoder's blocks.</param>
    /// <param name="normalization">How 8-bit pixels become the encoder's floats.</param>
    /// <param name="type">Float16 or Float.</param>
    public static OnnxModel Encoder(
        VisionParameters vision, Linear? between, IReadOnlyList<DecoderLayer> layers, Normalization normalization, ElementType type)
    {
        var graph = new CudaGraph(type);
        var states = VisionTower.States(graph, vision, normalization);
        if (between is not null)
            states = graph.Linear(states, between);
        OutputCross(graph, states, layers, vision.Positions.Rows);
        return graph.Builder.Build();
    }

    /// <summary>Declares what the decoder's steps read of the image: the encoder's states, or the keys and values that each block makes of them.</summary>
    public static void OutputCross(CudaGraph graph, string states, IReadOnlyList<DecoderLayer> layers, Dim positions)
    {
        if (LatentCross.Fits(graph, layers))
        {
            graph.Builder.Output(states, CaptionerNames.States, graph.Type, "images", positions, layers[0].CrossKey.Inputs);
            return;
        }

        for (var i = 0; i < layers.Count; i++)
        {
            var layer = layers[i];
            Dim[] dims = ["images", positions, layer.CrossHeads * layer.HeadSize];
            // The keys' bias cancels in the softmax, the values' is in the projection that follows.
            graph.Builder.Output(graph.MatMul(states, layer.CrossKey.Weight), CaptionerNames.CrossKey(i), graph.Type, dims);
            graph.Builder.Output(graph.MatMul(states, layer.CrossValue.Weight), CaptionerNames.CrossValue(i), graph.Type, dims);
        }
    }

    /// <summary>A step of greedy search; also gives the logits, for rows whose scores are changed before the choice.</summary>
    public static OnnxModel GreedyStep(StepDecoder decoder, ElementType type, CacheKind cache = CacheKind.Shared)
    {
        var graph = new CudaGraph(type);
        var states = new DecoderBlocks(graph, decoder, cache).Greedy();
        CandidateHead.Greedy(graph, CandidateHead.Logits(graph, decoder.Head, states), decoder.Head.Columns, decoder.Ngrams);
        return graph.Builder.Build();
    }

    /// <summary>A step of beam search with any number of beams. A cache that grows holds rows as they are: whoever runs it moves them to their beams.</summary>
    public static OnnxModel BeamStep(StepDecoder decoder, ElementType type, CacheKind cache = CacheKind.Shared)
    {
        var graph = new CudaGraph(type);
        var indirection = graph.Builder.Input(CaptionerNames.Indirection, ElementType.Int32, "images", "beams", "length");
        var states = new DecoderBlocks(graph, decoder, cache).Beams(indirection);
        CandidateHead.Beams(graph, CandidateHead.Logits(graph, decoder.Head, states), decoder.Head.Columns, indirection, decoder.Ngrams);
        return graph.Builder.Build();
    }
}
