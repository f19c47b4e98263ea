using System.Diagnostics;
using System.Runtime.InteropServices;

namespace VlWorker.Models.Verification;

/// <summary>What of the process lies in physical memory.</summary>
internal static partial class ResidentMemory
{
    /// <summary>Bytes, after what is no longer needed has gone back to the system as far as that can be asked for.</summary>
    public static long Settled()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        TrimHeap();
        return Now();
    }

    /// <summary>Bytes.</summary>
    public static long Now()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    // The C library keeps freed memory for itself: a second model would seem to need nothing. Other libraries than glibc have no such call.
    private static void TrimHeap()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = Trim(0);
        }
        catch (EntryPointNotFoundException)
        {
        }
        catch (DllNotFoundException)
        {
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint pad);
}
