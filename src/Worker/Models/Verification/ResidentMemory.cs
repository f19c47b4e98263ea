using System.Diagnostics;
using VlWorker.Inference.Engine;

namespace VlWorker.Models.Verification;

/// <summary>What of the process lies in physical memory.</summary>
internal static class ResidentMemory
{
    /// <summary>Bytes, after what is no longer needed has gone back to the system as far as that can be asked for.</summary>
    public static long Settled()
    {
        MemoryTrim.Heaps();
        GC.WaitForPendingFinalizers();
        MemoryTrim.Heaps();
        return Now();
    }

    /// <summary>Bytes.</summary>
    public static long Now()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
