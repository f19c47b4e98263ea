using Google.Protobuf;
using VlWorker.ModelKit.Onnx;
using Kind = VlWorker.ModelKit.Onnx.AttributeProto.Types.AttributeType;

namespace VlWorker.Fuzzing;

/// <summary>A model of some kilobytes with everything that an ONNX file can hold: graphs inside it, typed fields, sparse tensors, functions.</summary>
internal static class OnnxSample
{
    /// <summary>Builds it.</summary>
    public static OnnxModel Create()
    {
        var graph = new GraphBuilder();
        var input = graph.Input("x", ElementType.Float, "batch", 300);
        var sum = graph.Node("Add", [input, graph.Constant(Tensor.FromFloats(new float[300], [300]))]);
        var scaled = graph.Node("Mul", [sum, graph.Constant(Tensor.FromFloats(new float[600], [2, 300], ElementType.Float16), "halves")], ("alpha", 1.5f), ("axes", new long[] { 0, -1 }));
        graph.Output(graph.Microsoft("Gelu", [scaled], ("mode", "tanh"), ("scales", new[] { 1f, 2f })), "y", ElementType.Float, "batch", 300);
        var model = graph.Build();
        model.Graph.Initializer.Add(new TensorProto { Name = "floats", DataType = 1, Dims = { 3 }, FloatData = { 1, 2, 3 } });
        model.Graph.Initializer.Add(new TensorProto { Name = "typed halves", DataType = 10, Dims = { 2 }, Int32Data = { 0x3C00, 0xC000 } });
        model.Graph.Initializer.Add(new TensorProto { Name = "longs", DataType = 7, Int64Data = { -5 } });
        model.Graph.Initializer.Add(new TensorProto { Name = "texts", DataType = 8, Dims = { 1 }, StringData = { ByteString.CopyFromUtf8("a") } });
        model.Graph.SparseInitializer.Add(new SparseTensorProto
        {
            Dims = { 9 },
            Values = new() { Name = "sparse", DataType = 1, Dims = { 1 }, FloatData = { 4 } },
            Indices = new() { DataType = 7, Dims = { 1 }, Int64Data = { 8 } },
        });
        model.Graph.Node.Add(Branches(model.Graph));
        model.Proto.Functions.Add(new FunctionProto { Name = "Twice", Domain = "local", Input = { "x" }, Output = { "y" }, Node = { model.Graph.Node[0].Clone() } });
        model.Proto.MetadataProps.Add(new StringStringEntryProto { Key = "key", Value = "value" });
        return model;
    }

    private static NodeProto Branches(GraphProto outer)
    {
        var branch = new GraphProto { Name = "then", Node = { outer.Node[0].Clone() }, Initializer = { outer.Initializer[0].Clone() } };
        return new NodeProto
        {
            OpType = "If",
            Input = { "condition" },
            Output = { "z" },
            Attribute =
            {
                new AttributeProto { Name = "then_branch", Type = Kind.Graph, G = branch },
                new AttributeProto { Name = "else_branch", Type = Kind.Graph, G = branch.Clone() },
            },
        };
    }
}
