using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Tests.Quantization;

/// <summary>Graphs of a few nodes, and what ONNX Runtime gives for them.</summary>
internal static class SmallGraphs
{
    public const int Inputs = 40;
    public const int Outputs = 24;

    /// <summary>Weights [Inputs, Outputs] of a realistic size.</summary>
    public static float[] Weights(int count = Inputs * Outputs, int seed = 1, float size = 0.2f)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => ((random.NextSingle() * 2) - 1) * size)];
    }

    /// <summary>x [rows, Inputs] -> y = x * weight + bias.</summary>
    public static OnnxModel Linear(ElementType type = ElementType.Float)
    {
        var graph = new GraphBuilder();
        var x = graph.Input("x", type, "rows", Inputs);
        var product = graph.Node("MatMul", [x, graph.Constant(Tensor.FromFloats(Weights(), [Inputs, Outputs], type), "block.weight")]);
        graph.Output(graph.Node("Add", [product, graph.Constant(Tensor.FromFloats(Weights(Outputs, 2), [Outputs], type), "block.bias")]), "y", type, "rows", Outputs);
        return graph.Build();
    }

    /// <summary>x [rows, Inputs] -> y = Gemm(x, transposed weight, bias), as old exporters write Linear.</summary>
    public static OnnxModel Gemm(float alpha = 1)
    {
        var graph = new GraphBuilder();
        var x = graph.Input("x", ElementType.Float, "rows", Inputs);
        var weight = graph.Constant(Tensor.FromFloats(Weights(), [Outputs, Inputs]), "block.weight");
        var bias = graph.Constant(Tensor.FromFloats(Weights(Outputs, 2), [Outputs]), "block.bias");
        graph.Output(graph.Node("Gemm", [x, weight, bias], ("transB", 1), ("alpha", alpha)), "y", ElementType.Float, "rows", Outputs);
        return graph.Build();
    }

    /// <summary>ids [rows] -> rows of an embedding.</summary>
    public static OnnxModel Embedding()
    {
        var graph = new GraphBuilder();
        var ids = graph.Input("ids", ElementType.Int64, "rows");
        graph.Output(graph.Node("Gather", [graph.Constant(Tensor.FromFloats(Weights(), [Outputs, Inputs]), "wte"), ids]), "y", ElementType.Float, "rows", Inputs);
        return graph.Build();
    }

    /// <summary>x [rows, Inputs] -> y = x * transpose(embedding): a head that is tied to its embedding.</summary>
    public static OnnxModel Tied()
    {
        var graph = new GraphBuilder();
        var x = graph.Input("x", ElementType.Float, "rows", Inputs);
        var head = graph.Node("Transpose", [graph.Constant(Tensor.FromFloats(Weights(), [Outputs, Inputs]), "wte")], ("perm", new[] { 1, 0 }));
        graph.Output(graph.Node("MatMul", [x, head]), "y", ElementType.Float, "rows", Outputs);
        return graph.Build();
    }

    /// <summary>x [1, 3, 8, 8] -> patches by a convolution with a bias.</summary>
    public static OnnxModel Convolution()
    {
        var graph = new GraphBuilder();
        var x = graph.Input("x", ElementType.Float, 1, 3, 8, 8);
        var weight = graph.Constant(Tensor.FromFloats(Weights(6 * 48), [6, 3, 4, 4]), "patches");
        var bias = graph.Constant(Tensor.FromFloats(Weights(6, 2), [6]), "patches.bias");
        graph.Output(graph.Node("Conv", [x, weight, bias], ("kernel_shape", new[] { 4, 4 }), ("strides", new[] { 4, 4 })), "y", ElementType.Float, 1, 6, 2, 2);
        return graph.Build();
    }

    /// <summary>
    /// As a merged decoder: two branches over one weight of the outer graph; the first gives x * weight, the second 2 * (x * weight).
    /// </summary>
    public static OnnxModel Branches()
    {
        var model = Linear();
        var graph = model.Graph;
        var (product, sum) = (graph.Node[0], graph.Node[1]);
        graph.Node.Clear();
        graph.Node.Add(new NodeProto
        {
            OpType = "If",
            Name = "merged",
            Input = { "first" },
            Output = { "y" },
            Attribute =
            {
                Branch("then_branch", product.Clone(), sum.Clone()),
                Branch("else_branch", product.Clone(), new NodeProto { OpType = "Add", Name = "double", Input = { product.Output[0], product.Output[0] }, Output = { sum.Output[0] } }),
            },
        });
        graph.Input.Add(new ValueInfoProto { Name = "first", Type = new TypeProto { TensorType = new() { ElemType = (int)ElementType.Bool, Shape = new() } } });
        return new OnnxModel(model.Proto);
    }

    /// <summary>Runs a graph.</summary>
    public static float[] Run(OnnxModel model, params (string Name, OrtValue Value)[] inputs)
    {
        using var session = new InferenceSession(model.ToBytes());
        using var options = new RunOptions();
        using var results = session.Run(options, inputs.ToDictionary(input => input.Name, input => input.Value), session.OutputNames);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    /// <summary>Three rows of inputs.</summary>
    public static (string, OrtValue) X() => ("x", OrtValue.CreateTensorValueFromMemory(Weights(3 * Inputs, 3, 2), [3, Inputs]));

    /// <summary>All rows of the embedding.</summary>
    public static (string, OrtValue) Ids() => ("ids", OrtValue.CreateTensorValueFromMemory(Enumerable.Range(0, Outputs).Select(i => (long)i).ToArray(), [Outputs]));

    /// <summary>A picture.</summary>
    public static (string, OrtValue) Picture() => ("x", OrtValue.CreateTensorValueFromMemory(Weights(3 * 64, 4, 2), [1, 3, 8, 8]));

    /// <summary>Which branch.</summary>
    public static (string, OrtValue) First(bool first) => ("first", OrtValue.CreateTensorValueFromMemory(new[] { first }, []));

    /// <summary>Error of the whole, relative to its length.</summary>
    public static double Error(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        return Math.Sqrt(expected.Zip(found, (a, b) => Math.Pow(a - b, 2)).Sum() / expected.Sum(a => Math.Pow(a, 2)));
    }

    private static AttributeProto Branch(string name, params NodeProto[] nodes)
    {
        var output = new ValueInfoProto { Name = nodes[^1].Output[0], Type = new TypeProto { TensorType = new() { ElemType = (int)ElementType.Float } } };
        return new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = new GraphProto { Name = name, Node = { nodes }, Output = { output } } };
    }
}
