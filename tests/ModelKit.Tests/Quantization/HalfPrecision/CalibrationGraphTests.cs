using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Quantization.HalfPrecision;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Quantization.HalfPrecision;

public sealed class CalibrationGraphTests
{
    [Theory]
    [InlineData("then_branch", 1)]
    [InlineData("else_branch", 2)]
    public void A_branch_is_measured_as_if_it_were_the_graph(string branch, int times)
    {
        var model = SmallGraphs.Branches();
        var before = model.ToBytes();
        var graph = CalibrationGraph.Of(model, branch);
        var y = SmallGraphs.Run(SmallGraphs.Branches(), SmallGraphs.X(), SmallGraphs.First(times == 1));

        Assert.True(CalibrationGraph.HasBranches(model));
        Assert.Equal(before, model.ToBytes());
        Assert.Equal(y.Max(Math.Abs), Measure(graph, graph.Probes.Single(probe => probe.Value == "y").Largest), 1e-5f);
    }

    [Fact]
    public void Loss_is_that_of_rounding_and_masks_are_passed_over()
    {
        var builder = new GraphBuilder();
        var x = builder.Input("x", ElementType.Float, "rows", SmallGraphs.Inputs);
        var tiny = builder.Node("Mul", [x, builder.Constant(Tensor.Scalar(1e-9f), "tiny")]);
        var masked = builder.Node("Add", [tiny, builder.Constant(Tensor.FromFloats([float.MinValue, .. new float[SmallGraphs.Inputs - 1]], [SmallGraphs.Inputs]), "mask")]);
        builder.Output(masked, "y", ElementType.Float, "rows", SmallGraphs.Inputs);
        var graph = CalibrationGraph.Of(builder.Build(), "then_branch");
        var probe = graph.Probes.Single(probe => probe.Value == "y");

        Assert.InRange(Measure(graph, probe.Largest), 1e-10f, 2e-9f);
        Assert.Equal(Measure(graph, probe.Squares), Measure(graph, probe.Errors));
    }

    [Fact]
    public void Caches_with_room_that_nobody_wrote_to_are_not_measured()
    {
        var model = ModelKit.Families.Blip.CpuGraphs.Decoder(new TinyModels().Blip().Text, CpuPrecision.Fp32, 5);
        var measured = CalibrationGraph.Of(model, "then_branch").Probes.Select(probe => probe.Value).ToHashSet();
        var attentions = model.Graph.Node.Where(node => node.OpType == "GroupQueryAttention").ToList();

        Assert.Equal(2, attentions.Count);
        Assert.All(attentions, node => Assert.Equal([true, false, false], node.Output.Select(measured.Contains)));
        Assert.All(attentions, node => Assert.Contains(node.Input[0], measured));
        Assert.Contains("logits", measured);
    }

    private static float Measure(CalibrationGraph graph, string output)
    {
        using var session = new InferenceSession(graph.Model.ToBytes());
        using var options = new RunOptions();
        // The condition is an input still, whatever branch was taken.
        var inputs = new[] { SmallGraphs.X(), SmallGraphs.First(true) }.Where(input => session.InputNames.Contains(input.Item1));
        using var results = session.Run(options, inputs.ToDictionary(input => input.Item1, input => input.Item2), [output]);
        return results[0].GetTensorDataAsSpan<float>()[0];
    }
}
