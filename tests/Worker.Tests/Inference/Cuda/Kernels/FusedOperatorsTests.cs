using Microsoft.ML.OnnxRuntime;
using VlWorker.Inference.Cuda.Kernels;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.Worker.Tests.Inference.Cuda.Kernels;

/// <summary>What ONNX Runtime is told of the operators. Their kernels run on GPUs alone: `bench gpu-fidelity` and `bench gpu-families`.</summary>
public sealed class FusedOperatorsTests
{
    private const string Cast = "InsertedPrecisionFreeCast_";

    private static readonly LayerNorm Norm = new([1, 1, 1, 1, 1, 1, 1, 1], new float[8], 1e-5f);

    private static readonly Linear Layer = new(new Matrix(16, 8, new float[128]), null);

    private delegate string Add(CudaGraph graph, Func<string, ElementType, Dim[], string> input);

    public static TheoryData<string> Names => [.. Nodes.Keys];

    private static Dictionary<string, Add> Nodes { get; } = new()
    {
        [FusedNames.Linear] = static (graph, input) => FusedNodes.Linear(graph, input("x", ElementType.Float16, ["rows", 16]), Layer, 1),
        [FusedNames.SumLinear] = static (graph, input) => FusedNodes.SumLinear(
            graph, input("x", ElementType.Float16, ["rows", 16]), Layer, input("added", ElementType.Float16, ["rows", 8])),
        [FusedNames.NormLinear] = static (graph, input) => FusedNodes.NormLinear(
            graph, input("x", ElementType.Float16, ["rows", 16]), Layer, input("added", ElementType.Float16, ["rows", 8]), Norm).Normed,
        [FusedNames.GatedSilu] = static (graph, input) => FusedNodes.GatedSilu(graph, input("x", ElementType.Float16, ["rows", 16]), 8),
        [FusedNames.DepthwiseNorm] = static (graph, input) => FusedNodes.DepthwiseNorm(
            graph, input("map", ElementType.Float16, ["images", 12, 8]), null, null, new float[72], new float[8], Norm, (4, 3), (0, 0)).Normed,
        [FusedNames.SumDepthwiseNorm] = static (graph, input) => FusedNodes.DepthwiseNorm(
            graph, input("map", ElementType.Float16, ["images", 12, 8]), input("added", ElementType.Float16, ["images", 12, 8]), null, new float[72], new float[8], Norm,
            (4, 3), (0, 1)).Normed,
        [FusedNames.RowNorm] = static (graph, input) => FusedNodes.RowNorm(graph, input("x", ElementType.Float16, ["rows", 8]), null, null, Norm),
        [FusedNames.SumRowNorm] = static (graph, input) => FusedNodes.RowNorm(
            graph, input("x", ElementType.Float16, ["rows", 8]), input("added", ElementType.Float16, ["rows", 8]), null, Norm),
        [FusedNames.LatentAttention] = static (graph, input) => FusedNodes.LatentAttention(
            graph, input("queries", ElementType.Float16, ["images", 1, 128]), input("states", ElementType.Float16, ["images", "positions", 64]), 2, 64, 0.1f, false),
        [FusedNames.WindowAttention] = static (graph, input) => FusedNodes.WindowAttention(
            graph, input("packed", ElementType.Float16, ["windows", 64, 96]), 64, 2, 16),
        [FusedNames.GroupQueryStep] = static (graph, input) => FusedNodes.GroupQueryStep(
            graph,
            [
                .. Cache(input, 3), input("lengths", ElementType.Int32, ["rows"]), input("cosines", ElementType.Float16, [9, 8]), input("sines", ElementType.Float16, [9, 8]),
            ],
            1, 1, 16, 0.1f)[0],
        [FusedNames.SelfAttentionStep] = static (graph, input) => FusedNodes.SelfAttentionStep(
            graph, [.. Cache(input, 3), input("length", ElementType.Int64, [1, 1]), input("bias", ElementType.Float16, [48])], 1, 16, 0.1f)[0],
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Inputs_and_outputs_are_as_graphs_have_them(string name)
    {
        var model = Model(name);
        Assert.Contains(model.Graph.Node, node => node.OpType == name && node.Domain == FusedNames.Domain);

        // Types and numbers of inputs and outputs are accepted; only then does ONNX Runtime cast for a processor that lacks the kernel, in vain.
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        FusedOperators.Register(options);
        var error = Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(model.ToBytes(), options).Dispose());
        Assert.Contains(Cast, error.Message, StringComparison.Ordinal);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Inputs_of_another_type_are_refused()
    {
        var graph = new CudaGraph(ElementType.Float16);
        var rows = graph.Builder.Input("x", ElementType.Float, "rows", 16);
        graph.Builder.Output(FusedNodes.GatedSilu(graph, rows, 8), "y", ElementType.Float16, "rows", 8);
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        FusedOperators.Register(options);

        var error = Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(graph.Builder.Build().ToBytes(), options).Dispose());

        Assert.Contains("Type 'tensor(float)' of input parameter (x)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sessions_share_the_operators()
    {
        for (var i = 0; i < 3; i++)
        {
            using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
            FusedOperators.Register(options);
            var error = Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(Model(FusedNames.Linear).ToBytes(), options).Dispose());
            Assert.Contains(Cast, error.Message, StringComparison.Ordinal);
        }
    }

    private static OnnxModel Model(string name)
    {
        var graph = new CudaGraph(ElementType.Float16);
        var value = Nodes[name](graph, (input, type, dims) => graph.Builder.Input(input, type, dims));
        graph.Builder.Output(value, "result", ElementType.Float16, "any", "size");
        return graph.Builder.Build();
    }

    private static string[] Cache(Func<string, ElementType, Dim[], string> input, int parts) =>
    [
        input("packed", ElementType.Float16, ["rows", 1, parts * 16]), input("keys", ElementType.Float16, ["rows", 1, "capacity", 16]),
        input("values", ElementType.Float16, ["rows", 1, "capacity", 16]),
    ];
}
