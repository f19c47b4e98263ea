using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.VisionEncoderDecoder.CudaGraphs;

/// <summary>A captioner for CUDA: images to the decoder's keys and values, one step of greedy search, one step of beam search.</summary>
internal static class CaptionerCudaGraphs
{
    private static readonly int[] HeadSizes = [32, 64, 128];

    /// <summary>Whether the shared cache's kernel knows these heads.</summary>
    public static bool Supports(DecoderParameters decoder) => decoder.Layers.All(layer => HeadSizes.Contains(layer.HeadSize));

    /// <summary>[images, 1 + patches, patch values] of int8 (<see cref="VisionTower"/>) to the keys and values of every block's cross attention.</summary>
    public static OnnxModel Encoder(VisionEncoderDecoderParameters parameters, Normalization normalization, ElementType type)
    {
        var graph = new CudaGraph(type);
        var states = VisionTower.States(graph, parameters.Encoder, normalization);
        if (parameters.EncoderToDecoder is { } bridge)
            states = graph.Linear(states, bridge);
        for (var i = 0; i < parameters.Decoder.Layers.Count; i++)
        {
            var layer = parameters.Decoder.Layers[i];
            Dim[] dims = ["images", parameters.Encoder.Positions.Rows, layer.CrossHeads * layer.HeadSize];
            // The keys' bias cancels in the softmax, the values' is in the projection that follows.
            graph.Builder.Output(graph.MatMul(states, layer.CrossKey.Weight), CaptionerNames.CrossKey(i), type, dims);
            graph.Builder.Output(graph.MatMul(states, layer.CrossValue.Weight), CaptionerNames.CrossValue(i), type, dims);
        }

        return graph.Builder.Build();
    }

    /// <summary>A step of greedy search; also gives the logits, for rows whose scores are changed before the choice.</summary>
    public static OnnxModel GreedyStep(DecoderParameters decoder, ElementType type, CacheKind cache = CacheKind.Shared)
    {
        var graph = new CudaGraph(type);
        var states = new DecoderBlocks(graph, decoder, cache).Greedy();
        CandidateHead.Greedy(graph, CandidateHead.Logits(graph, decoder, states), CandidateHead.Columns(decoder.Vocabulary));
        return graph.Builder.Build();
    }

    /// <summary>A step of beam search with any number of beams.</summary>
    public static OnnxModel BeamStep(DecoderParameters decoder, ElementType type)
    {
        var graph = new CudaGraph(type);
        var indirection = graph.Builder.Input(CaptionerNames.Indirection, ElementType.Int32, "images", "beams", "length");
        var states = new DecoderBlocks(graph, decoder, CacheKind.Shared).Beams(indirection);
        var logits = CandidateHead.Logits(graph, decoder, states);
        CandidateHead.Beams(graph, logits, CandidateHead.Columns(decoder.Vocabulary), indirection);
        return graph.Builder.Build();
    }
}
