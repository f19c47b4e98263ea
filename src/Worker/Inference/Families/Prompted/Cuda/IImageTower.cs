using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;

namespace VlWorker.Inference.Families.Prompted.Cuda;

/// <summary>From images in the host's memory to their tokens, which stay on the GPU. One lane's.</summary>
internal interface IImageTower : IDisposable
{
    /// <summary>Tokens of an image.</summary>
    int Count { get; }

    /// <summary>Width of a token.</summary>
    int Width { get; }

    /// <summary>Images that run at a time.</summary>
    int Chunk { get; }

    /// <summary>Where an image's tokens lie on the GPU.</summary>
    nint At(int image);

    /// <summary>Lays images out in the memory from which the GPU takes them.</summary>
    void Write(PreparedPixels[] images);

    /// <summary>Queues their way to the GPU.</summary>
    void Upload(int size);

    /// <summary>Queues a batch; it is padded to the next recorded size.</summary>
    void Queue(int size);

    /// <summary>Queues it kernel by kernel.</summary>
    void QueuePlain(int size);

    /// <summary>Records a size, whose kernels must have run before.</summary>
    void Record(int size);
}

/// <summary>Makes a lane's image tower.</summary>
/// <param name="graphs">The graphs.</param>
/// <param name="stream">The lane's.</param>
/// <param name="shapes">Of the decoder.</param>
/// <param name="settings">How it runs, and the largest batch.</param>
internal delegate IImageTower MakeTower(PromptedGraphs graphs, CudaStream stream, CaptionShapes shapes, CudaSettings settings);
