using VlWorker.Diagnostics;
using VlWorker.Inference;
using VlWorker.Inference.Engine;

namespace VlWorker.Worker.Tests.Diagnostics;

/// <summary>What facts about a GPU mean, with facts of machines that are not here.</summary>
public sealed class GpuFindingsTests
{
    private const long GiB = 1 << 30;
    private static readonly DeviceName Gpu = DeviceName.Parse("cuda:0");

    [Theory]
    [InlineData("580.159.04", true, "/usr/lib/libcuda.so.1", 13000, Verdict.Ok, "version 580.159.04, /usr/lib/libcuda.so.1, runs CUDA up to 13.0")]
    [InlineData(null, true, null, 13010, Verdict.Ok, "runs CUDA up to 13.1")]
    [InlineData("535.54.03", true, "/x/libcuda.so.1", 12020, Verdict.Fail, "runs CUDA up to 12.2")]
    [InlineData("580.159.04", false, null, null, Verdict.Fail, "the kernel has driver 580.159.04, but libcuda.so.1 is not found")]
    [InlineData(null, false, null, null, Verdict.Fail, "there is no NVIDIA driver")]
    [InlineData("580.159.04", true, "/x/libcuda.so.1", null, Verdict.Fail, "an unknown version")]
    public void A_driver(string? kernel, bool loaded, string? path, int? cuda, object verdict, string detail) =>
        Check(DriverCheck.Judge(kernel, loaded, path, cuda), (Verdict)verdict, detail);

    [Theory]
    [InlineData("NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  Tue Oct 14 01:02:03 UTC 2025\nGCC version:  gcc version 12.2.0\n", "580.159.04")]
    [InlineData("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build", "570.86.15")]
    [InlineData("nonsense", null)]
    public void The_kernels_text(string text, string? version) => Assert.Equal(version, DriverCheck.ParseKernelVersion(text));

    [Theory]
    [InlineData(9, 0, 100, 139, Verdict.Ok, "cuda:0: H, compute capability 9.0, 100.0 of 139.0 GiB free")]
    [InlineData(7, 5, 10, 16, Verdict.Ok, "7.5")]
    [InlineData(7, 0, 10, 16, Verdict.Fail, "7.0")]
    [InlineData(9, 0, 2, 139, Verdict.Warn, "2.0 of 139.0 GiB free")]
    public void A_gpu(int major, int minor, long free, long total, object verdict, string detail) =>
        Check(Assert.Single(GpuCheck.Judge([new GpuFacts(0, "H", major, minor, free * GiB, total * GiB)], [Gpu], null)), (Verdict)verdict, detail);

    [Fact]
    public void A_gpu_that_is_not_there()
    {
        var findings = GpuCheck.Judge([new GpuFacts(0, "H", 9, 0, GiB, GiB)], [Gpu, DeviceName.Parse("cuda:3")], "5");

        Assert.Equal(Verdict.Ok, findings[0].Verdict);
        Check(findings[1], Verdict.Fail, "cuda:3 is not there: this process sees 1 GPUs (CUDA_VISIBLE_DEVICES=5)");
    }

    [Theory]
    [InlineData("CUDAExecutionProvider", "CUDAExecutionProvider", 0.001f, Verdict.Ok, "2 of 2 nodes")]
    [InlineData("CUDAExecutionProvider", "CPUExecutionProvider", 0f, Verdict.Fail, "b on CPUExecutionProvider")]
    [InlineData("CUDAExecutionProvider", "CUDAExecutionProvider", 17f, Verdict.Fail, "wrong by 17")]
    public void A_session(string first, string second, float deviation, object verdict, string detail) =>
        Check(GpuSessionCheck.Judge(Gpu, new ProbeResult(new Dictionary<string, string> { ["a"] = first, ["b"] = second }, deviation)), (Verdict)verdict, detail);

    [Fact]
    public void A_session_that_does_not_tell_is_not_trusted() =>
        Check(GpuSessionCheck.Judge(Gpu, new ProbeResult(new Dictionary<string, string>(), 0)), Verdict.Fail, "does not tell");

    [Theory]
    [InlineData(91400, "9.14.0")]
    [InlineData(92001, "9.20.1")]
    public void The_number_of_cudnn(long number, string version) => Assert.Equal(version, CudaLibrariesCheck.Cudnn(number));

    [Theory]
    [InlineData("libcudnn.so.9", "/usr/lib/x86_64-linux-gnu/libcudnn.so.9.14.0")]
    [InlineData("libcuda.so.1", "/usr/lib/my drivers/libcuda.so.580.159.04")]
    [InlineData("libcublas.so.13", null)]
    [InlineData("libcudart.so.13", "/opt/libcudart.so.13")]
    public void Where_a_loaded_library_lies(string name, string? path) => Assert.Equal(path, SharedLibrary.Find(name, """
        7f0000000000-7f0000001000 r--p 00000000 08:01 123    /usr/lib/x86_64-linux-gnu/libcudnn.so.9.14.0
        7f0000001000-7f0000002000 rw-p 00000000 00:00 0
        7f0000002000-7f0000003000 r-xp 00000000 08:01 124    /usr/lib/my drivers/libcuda.so.580.159.04
        7f0000003000-7f0000004000 r-xp 00000000 08:01 125    /opt/libcublasLt.so.13.1.0
        7f0000004000-7f0000005000 r-xp 00000000 08:01 126    /opt/libcudart.so.13
        7f0000005000-7f0000006000 rw-p 00000000 00:00 0      [heap]
        """));

    [Fact]
    public void A_library_of_this_system_is_found_and_one_that_is_not_there_is_not()
    {
        Assert.EndsWith("libc.so.6", SharedLibrary.Load("libc.so.6")!.Path, StringComparison.Ordinal);
        Assert.Null(SharedLibrary.Load("libno-such-thing.so.9"));
    }

    [Theory]
    [InlineData("1.31.1", "1.31.1.0", false, true)]
    [InlineData("1.31.1", "1.31.1+41d4d61f", false, true)]
    [InlineData("1.31.1", "1.30.0.0", false, false)]
    [InlineData("1.3.1", "1.31.1.0", false, false)]
    public void Core_and_managed_assembly_must_be_of_one_version(string core, string managed, bool gpu, bool ok) =>
        Assert.Equal(ok ? Verdict.Ok : Verdict.Fail, OnnxRuntimeCheck.Judge(core, managed, ["CPUExecutionProvider"], gpu)[0].Verdict);

    private static void Check(Finding finding, Verdict verdict, string detail)
    {
        Assert.True(finding.Verdict == verdict && finding.Detail.Contains(detail, StringComparison.Ordinal), finding.ToString());
        Assert.Equal(verdict == Verdict.Ok, finding.Remedy is null);
    }
}
