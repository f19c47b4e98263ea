using VlWorker.Inference.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>From a batch's input to what the decoder's steps read of it, which stays on the GPU. One lane's.</summary>
/// <typeparam name="TInput">What an image's row brings.</typeparam>
internal interface IEncoderStage<TInput> : IDisposable
{
    /// <summary>What steps read of the images, [images, positions, width] each (<see cref="CaptionShapes.Cross"/>).</summary>
    IReadOnlyList<DeviceBuffer> Cross { get; }

    /// <summary>Positions of each image, in the batch that was written last.</summary>
    int Positions { get; }

    /// <summary>Takes a batch; the one before must be over. What several of its rows need is done once.</summary>
    /// <param name="rows">The rows, at least one; they stay the caller's.</param>
    /// <returns>The places of the rows that run together, for each run.</returns>
    IReadOnlyList<int[]> Take(TInput[] rows);

    /// <summary>Lets go of the batch's rows. Until there are others, what is in memory is run, whatever it is.</summary>
    void Release();

    /// <summary>Lays rows of the batch out in the memory from which the GPU takes them. The run before must have read it.</summary>
    /// <param name="places">Of rows that run together, in some order.</param>
    void Write(int[] places);

    /// <summary>Queues its way to the GPU.</summary>
    void Upload(int size);

    /// <summary>Queues the work on a batch of some size, recorded or not.</summary>
    void Queue(int size);

    /// <summary>Queues it kernel by kernel.</summary>
    void QueuePlain(int size);

    /// <summary>Records a size, whose kernels must have run before.</summary>
    void Record(int size);

    /// <summary>Records a size with as many positions as now, if it keeps coming.</summary>
    void RecordIfUsed(int size);
}
