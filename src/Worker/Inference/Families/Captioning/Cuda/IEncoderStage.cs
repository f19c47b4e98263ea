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

    /// <summary>Lays a batch out in the memory from which the GPU takes it. The stage's earlier work must have read it.</summary>
    void Write(TInput[] rows);

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
