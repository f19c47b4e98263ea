using VlWorker.Inference.Cuda;

namespace VlWorker.Worker.Tests.Inference.Cuda;

public sealed class RecurringShapesTests
{
    [Fact]
    public void A_shape_is_recorded_at_its_third_run_and_only_so_many_are()
    {
        var shapes = new RecurringShapes<int>(2);
        Assert.Equal([false, false, false, false, true, true], new[] { 5, 7, 5, 7, 7, 5 }.Select(shapes.IsDue));
        Assert.All(Enumerable.Repeat(9, 20), shape => Assert.False(shapes.IsDue(shape)));
    }
}
