using System.Runtime.InteropServices;
using VlWorker.Inference.Cuda.Kernels;

namespace VlWorker.Worker.Tests.Inference.Cuda.Kernels;

/// <summary>The compiler of the kernels, where it is installed; it needs no GPU.</summary>
public sealed class NvrtcTests
{
    private const string Good = "extern \"C\" __global__ void add(float* x) { x[threadIdx.x] += FACTOR; }";

    [Fact]
    public void A_source_is_compiled_or_the_message_names_what_is_missing()
    {
        if (NativeLibrary.TryLoad(Nvrtc.Library, out _))
            Assert.Equal(0x7f, Nvrtc.Compile(Good, "add.cu", ["--gpu-architecture=sm_80", "-DFACTOR=2.0f"])[0]);
        else
            Assert.Contains("cuda-nvrtc", Assert.Throws<InvalidOperationException>(() => Nvrtc.Compile(Good, "add.cu", [])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_wrong_with_a_source_is_said()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Nvrtc.Compile("wrong", "wrong.cu", []));
        Assert.Contains(NativeLibrary.TryLoad(Nvrtc.Library, out _) ? "wrong.cu does not compile" : Nvrtc.Library, error.Message, StringComparison.Ordinal);
    }
}
