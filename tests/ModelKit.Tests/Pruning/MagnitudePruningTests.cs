using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Pruning;
using VlWorker.ModelKit.Quantization;
using VlWorker.ModelKit.Tests.Quantization;

namespace VlWorker.ModelKit.Tests.Pruning;

public sealed class MagnitudePruningTests
{
    private static readonly NodeFilter Matrices = new(["MatMul", "Gemm"], []);

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(0)]
    public void The_least_weights_become_zero_and_the_others_stay(double sparsity)
    {
        var model = SmallGraphs.Linear();
        var before = SmallGraphs.Weights();
        var summary = new MagnitudePruning(sparsity, global: false, Matrices).Run(model);
        var after = new OnnxModel(model.Proto).Initializer("block.weight")!.ToFloats();

        Assert.Equal((int)Math.Round(sparsity * before.Length), after.Count(value => value == 0));
        Assert.Equal((1, before.Length, after.LongCount(value => value == 0)), (summary.Weights, summary.Count, summary.Zeros));
        var cut = before.Zip(after).Where(pair => pair.Second == 0).Select(pair => MathF.Abs(pair.First)).DefaultIfEmpty().Max();
        Assert.All(before.Zip(after), pair => Assert.True(pair.Second == 0 ? MathF.Abs(pair.First) <= cut : pair.First == pair.Second && MathF.Abs(pair.First) >= cut));
        Assert.Equal(3 * SmallGraphs.Outputs, SmallGraphs.Run(model, SmallGraphs.X()).Length);
    }

    [Fact]
    public void Equal_weights_go_no_further_than_the_share()
    {
        var model = SmallGraphs.Linear();
        model.Graph.Initializer[0].RawData = TensorField.Write(Tensor.FromFloats([.. Enumerable.Repeat(0.5f, SmallGraphs.Inputs * SmallGraphs.Outputs)], [SmallGraphs.Inputs, SmallGraphs.Outputs]), "w").RawData;

        Assert.Equal(0.25, new MagnitudePruning(0.25, global: false, Matrices).Run(model).Sparsity);
    }

    [Fact]
    public void One_threshold_for_all_takes_more_of_the_smaller_matrix()
    {
        OnnxModel Two()
        {
            var graph = new GraphBuilder();
            var x = graph.Input("x", ElementType.Float, "rows", SmallGraphs.Inputs);
            foreach (var (name, size) in new[] { ("small", 0.1f), ("large", 1f) })
            {
                var weight = graph.Constant(Tensor.FromFloats(SmallGraphs.Weights(size: size), [SmallGraphs.Inputs, SmallGraphs.Outputs]), name);
                graph.Output(graph.Node("MatMul", [x, weight]), $"y_{name}", ElementType.Float, "rows", SmallGraphs.Outputs);
            }

            return graph.Build();
        }

        var (each, all) = (Two(), Two());
        new MagnitudePruning(0.4, global: false, Matrices).Run(each);
        var summary = new MagnitudePruning(0.4, global: true, Matrices).Run(all);

        Assert.Equal(Zeros(each, "small"), Zeros(each, "large"));
        Assert.True(Zeros(all, "small") > 3 * Zeros(all, "large"));
        Assert.Equal(0.4, summary.Sparsity, 1e-3);
    }

    [Fact]
    public void A_weight_of_two_branches_is_pruned_once_and_excluded_ones_are_not()
    {
        var model = SmallGraphs.Branches();
        Assert.Equal(1, new MagnitudePruning(0.5, global: false, Matrices).Run(model).Weights);
        Assert.Equal(SmallGraphs.Inputs * SmallGraphs.Outputs / 2, Zeros(model, "block.weight"));

        var kept = SmallGraphs.Linear();
        Assert.Equal(0, new MagnitudePruning(0.5, global: false, new NodeFilter(["MatMul"], ["block.*"])).Run(kept).Weights);
        Assert.Equal(0, Zeros(kept, "block.weight"));
        Assert.Throws<InvalidDataException>(() => new MagnitudePruning(0.5, global: false, Matrices).Run(SmallGraphs.Linear(ElementType.Float16)));
    }

    private static int Zeros(OnnxModel model, string name) => new OnnxModel(model.Proto).Initializer(name)!.ToFloats().Count(value => value == 0);
}
