using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Quantization;

namespace VlWorker.ModelKit.Tests.Quantization;

public sealed class GraphQuantizerTests
{
    [Theory]
    [InlineData(true, true, false)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(false, false, true)]
    [InlineData(true, true, true)]
    public void Int8_products_are_close_to_those_of_floats(bool perChannel, bool signed, bool reduceRange)
    {
        var recipe = new QuantizationRecipe { Int8 = new DynamicInt8Options { PerChannel = perChannel, Signed = signed, ReduceRange = reduceRange } };
        foreach (var make in new[] { () => SmallGraphs.Gemm(), () => SmallGraphs.Linear(), SmallGraphs.Tied })
        {
            var model = make();
            var summary = recipe.Apply(model, recipe.Filter(), null);

            Assert.Single(summary.Rewritten);
            Assert.DoesNotContain(model.Graph.Initializer, tensor => tensor.Name is "block.weight" or "wte");
            Assert.DoesNotContain(model.Graph.Node, node => node.OpType is "MatMul" or "Gemm" or "Transpose");
            Assert.InRange(SmallGraphs.Error(SmallGraphs.Run(make(), SmallGraphs.X()), SmallGraphs.Run(model, SmallGraphs.X())), 1e-6, 0.02);
        }
    }

    [Theory]
    [InlineData("Weights4", 16, false, 0, 0.15)]
    [InlineData("Weights4", 32, true, 1, 0.15)]
    [InlineData("Weights4", 32, false, 4, 0.15)]
    [InlineData("Weights8", 32, false, 0, 0.01)]
    [InlineData("Weights8", 16, true, 4, 0.02)]
    public void Weight_only_products_are_as_close_as_their_bits_allow(string target, int blockSize, bool symmetric, int level, double error)
    {
        var recipe = new QuantizationRecipe
        {
            Target = Enum.Parse<QuantizationTarget>(target),
            Weights = new WeightOnlyOptions { BlockSize = blockSize, Symmetric = symmetric, AccuracyLevel = level },
        };
        foreach (var make in new[] { () => SmallGraphs.Gemm(), () => SmallGraphs.Linear(), SmallGraphs.Tied })
        {
            var model = make();
            recipe.Apply(model, recipe.Filter(), null);

            Assert.Contains(model.Graph.Node, node => node.OpType == "MatMulNBits");
            Assert.InRange(SmallGraphs.Error(SmallGraphs.Run(make(), SmallGraphs.X()), SmallGraphs.Run(model, SmallGraphs.X())), 1e-5, error);
        }
    }

    [Theory]
    [InlineData("Int8", true, 0.01)]
    [InlineData("Int8", false, 0.01)]
    [InlineData("Weights8", true, 0.01)]
    [InlineData("Weights4", true, 0.1)]
    public void Embeddings_are_stored_as_integers_too(string target, bool perChannel, double error)
    {
        var recipe = new QuantizationRecipe { Target = Enum.Parse<QuantizationTarget>(target), Int8 = new DynamicInt8Options { PerChannel = perChannel, Signed = perChannel } };
        var model = SmallGraphs.Embedding();
        var summary = recipe.Apply(model, recipe.Filter(), null);

        Assert.Equal("Gather", Assert.Single(summary.Rewritten).Operator);
        Assert.DoesNotContain(model.Graph.Initializer, tensor => tensor.Name == "wte");
        Assert.InRange(SmallGraphs.Error(SmallGraphs.Run(SmallGraphs.Embedding(), SmallGraphs.Ids()), SmallGraphs.Run(model, SmallGraphs.Ids())), 1e-6, error);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Convolutions_are_rewritten_where_they_are_asked_for(bool perTensorUnsigned)
    {
        var recipe = new QuantizationRecipe { Operators = ["Conv"], Int8 = new DynamicInt8Options { PerChannel = !perTensorUnsigned, Signed = !perTensorUnsigned } };
        var model = SmallGraphs.Convolution();
        recipe.Apply(model, recipe.Filter(), null);
        Assert.Contains(model.Graph.Node, node => node.OpType == "ConvInteger");
        Assert.InRange(SmallGraphs.Error(SmallGraphs.Run(SmallGraphs.Convolution(), SmallGraphs.Picture()), SmallGraphs.Run(model, SmallGraphs.Picture())), 1e-6, 0.02);

        var untouched = SmallGraphs.Convolution();
        var summary = new QuantizationRecipe().Apply(untouched, new QuantizationRecipe().Filter(), null);
        Assert.Equal("Conv is not asked for", Assert.Single(summary.LeftOut).Note);
        Assert.Equal(["Conv"], untouched.Graph.Node.Select(node => node.OpType));
    }

    [Theory]
    [InlineData("Int8", 0.02)]
    [InlineData("Weights8", 0.02)]
    [InlineData("Weights4", 0.15)]
    public void Nodes_of_branches_are_rewritten_and_share_one_weight(string target, double error)
    {
        var recipe = new QuantizationRecipe { Target = Enum.Parse<QuantizationTarget>(target) };
        var model = SmallGraphs.Branches();
        var summary = recipe.Apply(model, recipe.Filter(), null);

        Assert.Equal(2, summary.Rewritten.Count);
        Assert.Single(model.Graph.Initializer, tensor => tensor.Dims.Count > 1 && (ElementType)tensor.DataType is ElementType.UInt8 or ElementType.Int8);
        Assert.DoesNotContain(model.Graph.Initializer, tensor => tensor.Name == "block.weight");
        foreach (var first in new[] { true, false })
        {
            var expected = SmallGraphs.Run(SmallGraphs.Branches(), SmallGraphs.X(), SmallGraphs.First(first));
            Assert.InRange(SmallGraphs.Error(expected, SmallGraphs.Run(model, SmallGraphs.X(), SmallGraphs.First(first))), 1e-6, error);
        }
    }

    [Fact]
    public void Nodes_of_one_input_quantise_it_once()
    {
        var graph = new GraphBuilder();
        var x = graph.Input("x", ElementType.Float, "rows", SmallGraphs.Inputs);
        foreach (var name in new[] { "query", "key", "value" })
            graph.Output(graph.Node("MatMul", [x, graph.Constant(Tensor.FromFloats(SmallGraphs.Weights(), [SmallGraphs.Inputs, SmallGraphs.Outputs]), name + ".weight")]), name, ElementType.Float, "rows", SmallGraphs.Outputs);
        var model = graph.Build();
        new QuantizationRecipe().Apply(model, new QuantizationRecipe().Filter(), null);

        Assert.Single(model.Graph.Node, node => node.OpType == "DynamicQuantizeLinear");
        Assert.Equal(3, model.Graph.Node.Count(node => node.OpType == "MatMulInteger"));
    }

    [Fact]
    public void Patterns_leave_nodes_out_and_those_that_match_nothing_are_known()
    {
        var filter = new NodeFilter(["MatMul"], ["block.w?ight", "*lm_head*"]);
        var model = SmallGraphs.Linear();
        var summary = new QuantizationRecipe().Apply(model, filter, null);

        Assert.Empty(summary.Rewritten);
        Assert.Equal("left out by block.w?ight", Assert.Single(summary.LeftOut).Note);
        Assert.Equal(["*lm_head*"], filter.Unmatched);
        Assert.Equal(SmallGraphs.Run(SmallGraphs.Linear(), SmallGraphs.X()), SmallGraphs.Run(model, SmallGraphs.X()));
    }

    [Fact]
    public void What_can_not_be_rewritten_is_left_with_the_reason()
    {
        var recipe = new QuantizationRecipe();
        Assert.Equal("its alpha, beta or transA is set", Assert.Single(recipe.Apply(SmallGraphs.Gemm(0.5f), recipe.Filter(), null).LeftOut).Note);
        Assert.Equal("its weight is Float16, not Float", Assert.Single(recipe.Apply(SmallGraphs.Linear(ElementType.Float16), recipe.Filter(), null).LeftOut).Note);
    }

    [Fact]
    public void A_quantised_or_an_old_graph_is_refused()
    {
        var recipe = new QuantizationRecipe();
        var model = SmallGraphs.Linear();
        recipe.Apply(model, recipe.Filter(), null);
        Assert.Contains("quantised already", Assert.Throws<InvalidDataException>(() => recipe.Apply(model, recipe.Filter(), null)).Message);

        var old = SmallGraphs.Linear();
        old.Proto.OpsetImport[0].Version = 9;
        Assert.Contains("at least 11", Assert.Throws<InvalidDataException>(() => recipe.Apply(old, recipe.Filter(), null)).Message);
    }

    [Fact]
    public void Constants_in_nodes_and_behind_Identity_count_as_weights()
    {
        var model = SmallGraphs.Linear();
        var weight = model.Graph.Initializer[0];
        model.Graph.Initializer.RemoveAt(0);
        model.Graph.Node.Insert(0, new NodeProto { OpType = "Identity", Input = { "stored" }, Output = { weight.Name } });
        model.Graph.Node.Insert(0, new NodeProto { OpType = "Constant", Output = { "stored" }, Attribute = { AttributeFactory.Create("value", TensorField.Read(weight)) } });
        model = new OnnxModel(model.Proto);
        Assert.Single(new QuantizationRecipe().Apply(model, new QuantizationRecipe().Filter(), null).Rewritten);

        Assert.DoesNotContain(model.Graph.Node, node => node.OpType is "Constant" or "Identity");
        Assert.InRange(SmallGraphs.Error(SmallGraphs.Run(SmallGraphs.Linear(), SmallGraphs.X()), SmallGraphs.Run(model, SmallGraphs.X())), 0, 0.02);
    }
}
