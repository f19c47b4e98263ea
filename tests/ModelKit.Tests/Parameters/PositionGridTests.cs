using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Tests.Families;

namespace VlWorker.ModelKit.Tests.Parameters;

public sealed class PositionGridTests
{
    private static readonly ResizePlan Wide = new(0, 0, 40, 28, 20, 3);

    [Fact]
    public void Positions_are_those_of_a_bicubic_resize()
    {
        var vision = new TinyModels(5).Clip().Vision;
        var fitted = PositionGrid.Fit(vision, Wide);

        Assert.Equal((28, 20, 1 + (7 * 5)), (fitted.ImageWidth, fitted.ImageHeight, fitted.Positions.Rows));
        Assert.Equal(vision.Positions.Row(0).ToArray(), fitted.Positions.Row(0).ToArray());
        var expected = Resize(vision.Positions, 2, 2, 5, 7);
        for (var i = 0; i < expected.Length; i++)
        {
            var (channel, place) = (i / 35, i % 35);
            Assert.Equal(expected[i], fitted.Positions.Row(1 + place)[channel], 1e-5f);
        }
    }

    [Fact]
    public void Images_of_the_trained_size_keep_their_positions()
    {
        var vision = new TinyModels(5).Clip().Vision;
        Assert.Same(vision, PositionGrid.Fit(vision, new ResizePlan(8, 8, null, null, null, 3)));
    }

    [Fact]
    public void Images_smaller_than_a_patch_are_refused() =>
        Assert.Throws<NotSupportedException>(() => PositionGrid.Fit(new TinyModels(5).Clip().Vision, new ResizePlan(3, 8, null, null, null, 3)));

    // By ONNX Runtime: what torch exports its bicubic interpolation to.
    private static float[] Resize(Matrix positions, int rows, int columns, int newRows, int newColumns)
    {
        var (graph, width) = (new GraphBuilder(), positions.Columns);
        var grid = new float[width * rows * columns];
        for (var i = 0; i < grid.Length; i++)
            grid[i] = positions.Row(1 + (i % (rows * columns)))[i / (rows * columns)];
        var input = graph.Input("grid", ElementType.Float, 1, width, rows, columns);
        var sizes = graph.Constant(Tensor.FromInt64([1, width, newRows, newColumns], [4]));
        var resized = graph.Node(
            "Resize", [input, "", "", sizes], ("mode", "cubic"), ("cubic_coeff_a", -0.75f), ("coordinate_transformation_mode", "pytorch_half_pixel"));
        graph.Output(resized, "resized", ElementType.Float, 1, width, newRows, newColumns);
        using var session = new CpuSession(graph.Build());
        using var value = OrtValue.CreateTensorValueFromMemory(grid, [1, width, rows, columns]);
        using var results = session.Run(new Dictionary<string, OrtValue> { ["grid"] = value }, ["resized"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
