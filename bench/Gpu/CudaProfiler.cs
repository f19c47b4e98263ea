using System.Runtime.InteropServices;

namespace VlWorker.Bench.Gpu;

/// <summary>Marks what a profiler is to look at: `ncu --profile-from-start off`.</summary>
internal static partial class CudaProfiler
{
    /// <summary>Runs something under the profiler.</summary>
    public static void Run(Action run)
    {
        _ = Start();
        run();
        _ = Stop();
    }

    [LibraryImport("libcuda.so.1", EntryPoint = "cuProfilerStart")]
    private static partial int Start();

    [LibraryImport("libcuda.so.1", EntryPoint = "cuProfilerStop")]
    private static partial int Stop();
}
