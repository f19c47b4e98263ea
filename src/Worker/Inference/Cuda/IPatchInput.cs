using VlWorker.Decoding;

namespace VlWorker.Inference.Cuda;

/// <summary>A batch's images on their way into an image tower that takes patches. One lane's.</summary>
internal interface IPatchInput : IDisposable
{
    /// <summary>Lays images out in the memory from which the GPU takes them. Earlier work must have read it.</summary>
    void Write(PreparedPixels[] images);

    /// <summary>Queues the way of a batch of some size to the GPU, where so many images of it run at a time.</summary>
    void Upload(CudaStream stream, int size, int chunk);

    /// <summary>Lets the tower read those that run together.</summary>
    void Bind(CudaBinding binding, int first, int count);
}
