using VlWorker.Failures;
using VlWorker.Inference.Cuda;

namespace VlWorker.Worker.Tests.Inference.Cuda;

public sealed class LanePoolTests
{
    [Fact]
    public void The_largest_batch_is_halved_until_all_lanes_fit()
    {
        var tried = new List<int>();
        var made = new List<Lane>();
        var (pool, batch) = LanePool<Lane>.Fit(new CudaSettings(0, 2, 100), settings =>
        {
            tried.Add(settings.MaxBatch);
            if (settings.MaxBatch > 60 || (settings.MaxBatch > 30 && made.Count(lane => !lane.Disposed) == 1))
                throw new OutOfDeviceMemoryException("no room");
            made.Add(new Lane());
            return made[^1];
        });
        Assert.Equal([100, 50, 50, 25, 25], tried);
        Assert.Equal(25, batch);
        Assert.Equal(2, made.Count(lane => !lane.Disposed));
        pool.Dispose();
        Assert.All(made, lane => Assert.True(lane.Disposed));
    }

    [Fact]
    public void A_single_row_that_does_not_fit_is_an_error() => Assert.Throws<OutOfDeviceMemoryException>(
        () => LanePool<Lane>.Fit(new CudaSettings(0, 1, 4), _ => throw new OutOfDeviceMemoryException("no room")));

    [Fact]
    public void Another_failure_is_not_taken_for_a_lack_of_memory()
    {
        var tries = 0;
        Assert.Throws<InvalidDataException>(() => LanePool<Lane>.Fit(new CudaSettings(0, 1, 64), _ =>
        {
            tries++;
            throw new InvalidDataException("not a graph");
        }));
        Assert.Equal(1, tries);
    }

    private sealed class Lane : IDisposable
    {
        public bool Disposed { get; private set; }

        public void Dispose() => Disposed = true;
    }
}
