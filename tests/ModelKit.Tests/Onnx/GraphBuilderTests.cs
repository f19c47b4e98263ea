using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Tests.Onnx;

public sealed class GraphBuilderTests
{
    [Fact]
    public void ONNX_Runtime_runs_what_was_built()
    {
        var graph = new GraphBuilder();
        var input = graph.Input("x", ElementType.Float, "batch", 2);
        var weight = graph.Constant(Tensor.FromFloats([1, 2, 3, 4, 5, 6], [2, 3]), "weight");
        var product = graph.Node("MatMul", [input, weight]);
        var sum = graph.Node("Add", [product, graph.Constant(Tensor.FromFloats([10, 20, 30], [3]))]);
        graph.ValueInfo(sum, ElementType.Float, "batch", 3);
        graph.Output(sum, "y", ElementType.Float, "batch", 3);

        Assert.Equal([15, 27, 39, 21, 36, 51], Run(graph.Build(), "y", [1, 1, 3, 2], 2, 2));
    }

    [Fact]
    public void Operators_of_ONNX_Runtime_and_absent_inputs_and_outputs_work()
    {
        var graph = new GraphBuilder();
        var input = graph.Input("x", ElementType.Float, 1, 4);
        var gamma = graph.Constant(Tensor.FromFloats([1, 1, 1, 1], [4]));
        var outputs = graph.Nodes(
            "SkipLayerNormalization", GraphBuilder.MicrosoftDomain, [input, input, gamma], [true, false, false, true], ("epsilon", 1e-5f));
        var clipped = graph.Node("Clip", [outputs[3], "", graph.Constant(Tensor.Scalar(5f))]);
        var gelu = graph.Microsoft("QuickGelu", [clipped], ("alpha", 1.702f));
        graph.Output(gelu, "y", ElementType.Float, 1, 4);

        Assert.Equal(["", ""], outputs[1..3]);
        var expected = new float[] { 2, 4, 5, 5 }.Select(value => value / (1 + MathF.Exp(-1.702f * value)));
        foreach (var (want, got) in expected.Zip(Run(graph.Build(), "y", [1, 2, 3, 4], 1, 4)))
            Assert.Equal(want, got, 1e-4f);
    }

    [Fact]
    public void An_output_takes_its_name_without_a_node_where_it_can()
    {
        var graph = new GraphBuilder();
        var input = graph.Input("x", ElementType.Float, 1);
        var doubled = graph.Node("Add", [input, input]);
        var more = graph.Node("Mul", [doubled, doubled]);
        graph.Output(doubled, "doubled", ElementType.Float, 1);
        graph.Output(doubled, "again", ElementType.Float, 1);
        graph.Output(input, "same", ElementType.Float, 1);
        graph.Output(more, "more", ElementType.Float, 1);
        var model = graph.Build();

        Assert.Equal(["Add", "Mul", "Identity", "Identity"], model.Graph.Node.Select(node => node.OpType));
        Assert.Equal([6, 6, 3, 36], new[] { "doubled", "again", "same", "more" }.Select(name => Assert.Single(Run(model, name, [3], 1))));
    }

    [Fact]
    public void A_tensor_becomes_one_initializer()
    {
        var graph = new GraphBuilder();
        var tensor = Tensor.FromInt64([1, 2], [2]);

        Assert.Equal(graph.Constant(tensor), graph.Constant(tensor));
        Assert.Equal("shape", graph.Constant(Tensor.FromInt64([4], [1]), "shape"));
        Assert.Equal("shape", graph.Constant(Tensor.FromInt64([4], [1]), "shape"));
        Assert.Throws<ArgumentException>(() => graph.Constant(Tensor.FromInt64([5], [1]), "shape"));
        var model = graph.Build();
        Assert.Equal(2, model.Graph.Initializer.Count);
        Assert.Equal([4], model.Initializer("shape")!.ToInt64());
        Assert.Null(model.Initializer("other"));
    }

    [Fact]
    public void A_value_that_is_not_there_is_refused()
    {
        var graph = new GraphBuilder();
        Assert.Contains("no value y", Assert.Throws<ArgumentException>(() => graph.Node("Relu", ["y"])).Message);
        Assert.Contains("no attribute holds", Assert.Throws<ArgumentException>(() => graph.Node("Relu", [], ("a", 1.5))).Message);
        graph.Input("x", ElementType.Float);
        Assert.Contains("x is taken", Assert.Throws<ArgumentException>(() => graph.Input("x", ElementType.Float)).Message);
    }

    private static float[] Run(OnnxModel model, string output, float[] values, params long[] dims)
    {
        using var session = new InferenceSession(model.ToBytes());
        using var input = OrtValue.CreateTensorValueFromMemory(values, dims);
        using var options = new RunOptions();
        using var outputs = session.Run(options, ["x"], [input], [output]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
