namespace VlWorker.Inference.Cuda;

/// <summary>Recorded work: some hundred kernels that one call starts. The memory that it works on must outlive it.</summary>
internal sealed class CudaGraphExec : IDisposable
{
    private readonly nint _handle;

    /// <summary>Takes over a recording.</summary>
    /// <param name="graph">A CUgraph; destroyed here.</param>
    public unsafe CudaGraphExec(nint graph)
    {
        try
        {
            nuint nodes = 0;
            CudaDriver.Check(CudaDriver.GraphNodes(graph, null, ref nodes), "counting a graph's kernels");
            Nodes = (int)nodes;
            CudaDriver.Check(CudaDriver.GraphInstantiate(out _handle, graph, 0), "preparing a graph");
        }
        finally
        {
            _ = CudaDriver.GraphDestroy(graph);
        }
    }

    /// <summary>Kernels and copies in it.</summary>
    public int Nodes { get; }

    /// <summary>Queues it.</summary>
    public void Launch(CudaStream stream) => CudaDriver.Check(CudaDriver.GraphLaunch(_handle, stream.Handle), "starting a graph");

    /// <inheritdoc/>
    public void Dispose() => _ = CudaDriver.GraphExecDestroy(_handle);
}
