using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Tests.Quantization;

namespace VlWorker.ModelKit.Tests.Onnx;

public sealed class GraphScopeTests
{
    [Fact]
    public void A_branch_sees_the_constants_around_it()
    {
        var scopes = GraphScope.All(SmallGraphs.Branches());

        Assert.Equal(3, scopes.Count);
        Assert.Null(scopes[0].Parent);
        foreach (var branch in scopes.Skip(1))
        {
            Assert.Same(scopes[0], branch.Parent);
            Assert.Same(scopes[0], branch.FindConstant("block.weight")!.Owner);
        }
    }

    [Fact]
    public void What_a_graph_computes_or_gets_hides_a_constant_of_the_same_name_around_it()
    {
        var model = SmallGraphs.Branches();
        var branch = GraphScope.Subgraphs(model.Graph.Node[0]).First();
        branch.Node.Insert(0, new NodeProto { OpType = "Neg", Input = { "x" }, Output = { "block.weight" } });
        var scopes = GraphScope.All(model);

        Assert.Null(scopes[1].FindConstant("block.weight"));
        Assert.NotNull(scopes[2].FindConstant("block.weight"));
        Assert.Null(scopes[0].FindConstant("x"));
        Assert.Null(scopes[0].FindConstant("nowhere"));
    }

    [Fact]
    public void Unused_constants_go_and_with_them_the_inputs_that_old_files_give_them()
    {
        var model = SmallGraphs.Branches();
        model.Graph.Initializer.Add(TensorField.Write(Tensor.Scalar(1f), "unused"));
        model.Graph.Input.Add(new ValueInfoProto { Name = "unused" });
        GraphScope.RemoveUnusedConstants(model);

        Assert.Equal(["block.weight", "block.bias"], model.Graph.Initializer.Select(tensor => tensor.Name));
        Assert.Equal(["x", "first"], model.Graph.Input.Select(input => input.Name));
    }
}
