using System.Runtime.InteropServices;

namespace VlWorker.Hosting;

/// <summary>Settings of the C library's heap, from which ONNX Runtime and the image codecs take their memory.</summary>
internal static partial class NativeHeap
{
    // M_ARENA_MAX of glibc's malloc.h.
    private const int ArenaMax = -8;
    private const int Arenas = 2;

    /// <summary>
    /// Lets all threads share two arenas. By default glibc opens up to eight a core, and what is freed in one is of no use to the others: resident
    /// memory would creep up for hours. Must come before other threads start; does nothing where the C library is not glibc.
    /// </summary>
    public static void Bound()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = SetOption(ArenaMax, Arenas);
        }
        catch (EntryPointNotFoundException)
        {
            // musl: it has one heap for all threads anyway.
        }
        catch (DllNotFoundException)
        {
            // The same.
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int SetOption(int parameter, int value);
}
