using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Quantization;
using VlWorker.ModelKit.Quantization.HalfPrecision;

namespace VlWorker.ModelKit.Tests.Quantization.HalfPrecision;

public sealed class HalfConverterTests
{
    private static readonly HalfOptions Plain = new(null, new NodeFilter([], []));

    [Fact]
    public void Weights_become_half_as_large_and_inputs_and_outputs_stay_floats()
    {
        var model = SmallGraphs.Linear();
        var summary = new HalfConverter(Plain).Run(model);

        Assert.Empty(summary.LeftOut);
        Assert.All(model.Graph.Initializer, tensor => Assert.Equal((int)ElementType.Float16, tensor.DataType));
        Assert.All(model.Graph.Input.Concat(model.Graph.Output), info => Assert.Equal((int)ElementType.Float, info.Type.TensorType.ElemType));
        Assert.Equal("y", Assert.Single(model.Graph.Output).Name);
        Assert.InRange(SmallGraphs.Error(SmallGraphs.Run(SmallGraphs.Linear(), SmallGraphs.X()), SmallGraphs.Run(model, SmallGraphs.X())), 1e-6, 2e-3);
    }

    [Fact]
    public void Branches_compute_in_halves_and_share_their_weight()
    {
        var model = SmallGraphs.Branches();
        new HalfConverter(Plain).Run(model);

        Assert.Single(model.Graph.Initializer, tensor => tensor.Dims.Count == 2);
        foreach (var first in new[] { true, false })
        {
            var expected = SmallGraphs.Run(SmallGraphs.Branches(), SmallGraphs.X(), SmallGraphs.First(first));
            Assert.InRange(SmallGraphs.Error(expected, SmallGraphs.Run(model, SmallGraphs.X(), SmallGraphs.First(first))), 1e-6, 2e-3);
        }
    }

    [Fact]
    public void Values_that_were_measured_beyond_the_range_stay_floats()
    {
        // The variance of large numbers: their squares pass 65,504.
        static OnnxModel Variance()
        {
            var graph = new GraphBuilder();
            var x = graph.Input("x", ElementType.Float, "rows", SmallGraphs.Inputs);
            var large = graph.Node("Mul", [x, graph.Constant(Tensor.Scalar(500f), "large")]);
            var squares = graph.Node("Mul", [large, large]);
            var root = graph.Node("Sqrt", [squares]);
            graph.Output(graph.Node("Mul", [root, graph.Constant(Tensor.Scalar(0.002f), "small")]), "y", ElementType.Float, "rows", SmallGraphs.Inputs);
            return graph.Build();
        }

        var expected = SmallGraphs.Run(Variance(), SmallGraphs.X());
        // On a CPU the engine widens halves between nodes, so an overflow does not show there: what counts is that nothing is narrowed.
        Assert.Empty(new HalfConverter(Plain).Run(Variance()).LeftOut);
        var squares = Variance().Graph.Node[1].Output[0];
        var measured = new Dictionary<string, ValueRange> { [squares] = new(1e6f, 0) };
        var model = Variance();
        var summary = new HalfConverter(Plain with { Measured = measured }).Run(model);
        Assert.Equal(["Mul", "Sqrt"], summary.LeftOut.Select(note => note.Operator));
        Assert.All(summary.LeftOut, note => Assert.Contains("reaches 1e+06", note.Note));
        Assert.DoesNotContain(model.Graph.Node, node => node.OpType == "Cast" && node.Input[0] == squares);
        Assert.InRange(SmallGraphs.Error(expected, SmallGraphs.Run(model, SmallGraphs.X())), 0, 2e-3);
    }

    [Fact]
    public void A_small_constant_that_would_vanish_keeps_its_node_in_floats()
    {
        static OnnxModel Divide()
        {
            var graph = new GraphBuilder();
            var x = graph.Input("x", ElementType.Float, "rows", SmallGraphs.Inputs);
            var zero = graph.Node("Sub", [x, x]);
            var epsilon = graph.Node("Add", [zero, graph.Constant(Tensor.Scalar(1e-12f), "epsilon")]);
            graph.Output(graph.Node("Div", [epsilon, epsilon]), "y", ElementType.Float, "rows", SmallGraphs.Inputs);
            return graph.Build();
        }

        var model = Divide();
        var sum = model.Graph.Node[1].Output[0];
        // What calibration says of the sum itself: it loses everything.
        var summary = new HalfConverter(Plain with { Measured = new Dictionary<string, ValueRange> { [sum] = new(1e-12f, 1) } }).Run(model);

        Assert.Equal(["Add", "Div"], summary.LeftOut.Select(note => note.Operator));
        Assert.Contains(summary.LeftOut, note => note.Note.Contains("1e-12"));
        Assert.All(SmallGraphs.Run(model, SmallGraphs.X()), value => Assert.Equal(1, value));
    }

    [Fact]
    public void A_mask_of_the_least_float_stays_a_mask()
    {
        static OnnxModel Masked()
        {
            var graph = new GraphBuilder();
            var x = graph.Input("x", ElementType.Float, "rows", SmallGraphs.Inputs);
            var hidden = graph.Node("Less", [x, graph.Constant(Tensor.Scalar(0f), "zero")]);
            var mask = graph.Node("Where", [hidden, graph.Constant(Tensor.Scalar(float.MinValue), "least"), graph.Constant(Tensor.Scalar(0f), "none")]);
            graph.Output(graph.Node("Softmax", [graph.Node("Add", [x, mask])], ("axis", -1)), "y", ElementType.Float, "rows", SmallGraphs.Inputs);
            return graph.Build();
        }

        var model = Masked();
        Assert.Empty(new HalfConverter(Plain).Run(model).LeftOut);
        Assert.InRange(SmallGraphs.Error(SmallGraphs.Run(Masked(), SmallGraphs.X()), SmallGraphs.Run(model, SmallGraphs.X())), 0, 5e-3);
    }

    [Fact]
    public void Operators_that_know_no_halves_get_floats()
    {
        static OnnxModel Positions()
        {
            var graph = new GraphBuilder();
            var x = graph.Input("x", ElementType.Float, 3, SmallGraphs.Inputs);
            var range = graph.Node("Range", [graph.Constant(Tensor.Scalar(0f), "from"), graph.Constant(Tensor.Scalar((float)SmallGraphs.Inputs), "to"), graph.Constant(Tensor.Scalar(1f), "step")]);
            var ones = graph.Node("ConstantOfShape", [graph.Node("Shape", [x])], ("value", Tensor.FromFloats([0.5f], [1])));
            var integers = graph.Node("Cast", [graph.Node("Mul", [x, ones])], ("to", ElementType.Int64));
            var floats = graph.Node("Cast", [integers], ("to", ElementType.Float));
            graph.Output(graph.Node("Add", [graph.Node("Add", [x, range]), floats]), "y", ElementType.Float, 3, SmallGraphs.Inputs);
            return graph.Build();
        }

        var model = Positions();
        var summary = new HalfConverter(Plain).Run(model);
        Assert.Equal("Range computes in 32 bits", Assert.Single(summary.LeftOut).Note);
        Assert.InRange(SmallGraphs.Error(SmallGraphs.Run(Positions(), SmallGraphs.X()), SmallGraphs.Run(model, SmallGraphs.X())), 0, 2e-3);
    }

    [Fact]
    public void Patterns_keep_nodes_in_floats()
    {
        var model = SmallGraphs.Linear();
        var name = model.Graph.Node[0].Name;
        var summary = new HalfConverter(new HalfOptions(null, new NodeFilter([], ["MatMul*"]))).Run(model);

        Assert.Equal(name, Assert.Single(summary.LeftOut).Name);
        Assert.Contains(model.Graph.Initializer, tensor => tensor.Name == "block.weight" && tensor.DataType == (int)ElementType.Float);
        using var session = new InferenceSession(model.ToBytes());
        Assert.Equal(["y"], session.OutputNames);
    }

    [Fact]
    public void Loops_and_graphs_of_halves_are_refused()
    {
        var loop = SmallGraphs.Branches();
        loop.Graph.Node[0].OpType = "Loop";
        Assert.Contains("Loop", Assert.Throws<InvalidDataException>(() => new HalfConverter(Plain).Run(loop)).Message);
        Assert.Contains("16-bit", Assert.Throws<InvalidDataException>(() => new HalfConverter(Plain).Run(SmallGraphs.Linear(ElementType.Float16))).Message);
    }
}
