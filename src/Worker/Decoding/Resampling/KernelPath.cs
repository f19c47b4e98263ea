using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace VlWorker.Decoding.Resampling;

/// <summary>The implementations of the two passes. All give the same bytes; tests compare them.</summary>
internal enum KernelPath
{
    /// <summary>Plain C#, for any processor.</summary>
    Scalar,

    /// <summary>128-bit vectors of any processor that has them, ARM among them.</summary>
    Vector128,

    /// <summary>256-bit vectors of x86.</summary>
    Avx2,
}

/// <summary>What this processor can run.</summary>
internal static class KernelPaths
{
    /// <summary>The fastest path here.</summary>
    public static KernelPath Best { get; } =
        Avx2.IsSupported ? KernelPath.Avx2 : Vector128.IsHardwareAccelerated ? KernelPath.Vector128 : KernelPath.Scalar;
}
