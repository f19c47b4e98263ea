using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Idefics3.CudaGraphs;

/// <summary>Idefics3 and SmolVLM for CUDA: images to features, prompts to the first token of the answer, one step.</summary>
internal static class ChatCudaGraphs
{
    /// <summary>[images, patches, patch values] of int8 (<see cref="VisionTower"/>) to features [images, squares of patches, D of the text].</summary>
    public static OnnxModel Vision(Idefics3Parameters parameters, Normalization normalization, ElementType type)
    {
        var graph = new CudaGraph(type);
        var (vision, scale) = (parameters.Vision, parameters.Scale);
        var squares = PixelShuffle.Squares(graph.Builder, vision, scale, VisionTower.States(graph, vision, normalization));
        Dim[] dims = ["images", PixelShuffle.Count(vision, scale), parameters.Text.HiddenSize];
        graph.Builder.Output(graph.Linear(squares, parameters.Connector), ChatNames.Features, type, dims);
        return graph.Builder.Build();
    }

    /// <summary>
    /// Whole prompts with nothing before them, shorter ones padded on the right with anything: features in the places of their tokens, all of each row's
    /// keys and values, and the choice behind its own last token.
    /// </summary>
    public static OnnxModel Prompt(LlamaParameters text, ElementType type)
    {
        var graph = new CudaGraph(type);
        var builder = graph.Builder;
        var blocks = new LlamaBlocks(graph, text);
        var tokens = Embed(graph, text, "positions");
        var features = builder.Input(ChatNames.Features, type, "features", text.HiddenSize);
        var rows = builder.Input(ChatNames.FeatureRows, ElementType.Int64, "rows", "positions");
        var isToken = builder.Node("Less", [rows, builder.Constant(Tensor.Scalar(0L))]);
        var states = builder.Node("Where", [builder.Node("Unsqueeze", [isToken, graph.Integers(2)]), tokens, builder.Node("Gather", [features, rows])]);
        var ends = builder.Node("Unsqueeze", [builder.Node("Cast", [ChatNames.PastLengths], ("to", ElementType.Int64)), graph.Integers(1)]);
        string Last(string all) => builder.Node("Unsqueeze", [builder.Node("GatherND", [all, ends], ("batch_dims", 1)), graph.Integers(1)]);
        return Finish(graph, text, blocks, blocks.Run(states, false, Last));
    }

    /// <summary>One token of each row, behind what is in the cache.</summary>
    public static OnnxModel Step(LlamaParameters text, ElementType type)
    {
        var graph = new CudaGraph(type);
        var blocks = new LlamaBlocks(graph, text);
        return Finish(graph, text, blocks, blocks.Run(Embed(graph, text, 1), true, static all => all));
    }

    private static string Embed(CudaGraph graph, LlamaParameters text, Dim positions) =>
        graph.Builder.Node("Gather", [graph.Weight(text.TokenEmbedding), graph.Builder.Input(CaptionerNames.Ids, ElementType.Int64, "rows", positions)]);

    private static OnnxModel Finish(CudaGraph graph, LlamaParameters text, LlamaBlocks blocks, string states)
    {
        CandidateHead.Greedy(graph, CandidateHead.Logits(graph, new VocabularyHead(text.Head ?? text.TokenEmbedding, null, null), states), CandidateHead.Columns(text.Vocabulary));
        var next = graph.Builder.Node("Add", [ChatNames.PastLengths, graph.Builder.Constant(Tensor.Scalar(1))]);
        graph.Builder.Output(next, ChatNames.NextLengths, ElementType.Int32, "rows");
        blocks.OutputCache();
        return graph.Builder.Build();
    }
}
