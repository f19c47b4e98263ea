using System.Runtime.InteropServices;

namespace VlWorker.Inference.Engine;

/// <summary>What is in use of the C library's heap: weights, arenas and tensors of the processor's models, and little else.</summary>
internal static unsafe class HeapUse
{
    private static readonly delegate* unmanaged<Statistics> Query = Find();

    /// <summary>Bytes in use. Where the C library does not tell (other ones than glibc 2.33 or later), resident memory.</summary>
    public static long Now()
    {
        if (Query == null)
            return Environment.WorkingSet;
        var now = Query();
        return (long)(now.InUse + now.Mapped);
    }

    private static delegate* unmanaged<Statistics> Find() =>
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var library) && NativeLibrary.TryGetExport(library, "mallinfo2", out var function)
            ? (delegate* unmanaged<Statistics>)function
            : null;

    /// <summary>struct mallinfo2 of malloc.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Statistics
    {
        public readonly nuint FromSystem;
        public readonly nuint FreeChunks;
        public readonly nuint FastChunks;
        public readonly nuint Mappings;

        /// <summary>Bytes of blocks that were mapped on their own.</summary>
        public readonly nuint Mapped;
        public readonly nuint Unused;
        public readonly nuint FastBytes;

        /// <summary>Bytes of all other blocks in use, of all arenas.</summary>
        public readonly nuint InUse;
        public readonly nuint Free;
        public readonly nuint Releasable;
    }
}
