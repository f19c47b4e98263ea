using VlWorker.Diagnostics;

namespace VlWorker.Worker.Tests.Diagnostics;

public sealed class ProcessorFeaturesTests
{
    private const string Epyc = """
        processor	: 0
        model name	: AMD EPYC 9B14
        flags		: fpu sse4_2 avx avx2 avx512f avx512bw avx512_bf16 avx512_vnni

        processor	: 1
        model name	: something else
        flags		: fpu
        """;

    [Fact]
    public void The_first_processor_counts()
    {
        var features = ProcessorFeatures.Parse(Epyc);

        Assert.Equal("AMD EPYC 9B14", features.Model);
        Assert.Equal(["AVX2", "AVX-512", "AVX-512 VNNI", "AVX-512 BF16"], features.Named);
    }

    [Theory]
    [InlineData(Epyc, Verdict.Ok)]
    [InlineData("model name\t: Old\nflags\t\t: sse4_2 avx", Verdict.Warn)]
    [InlineData("model name\t: Haswell\nflags\t\t: avx2 fma", Verdict.Warn)]
    [InlineData("processor\t: 0\nFeatures\t: fp asimd asimddp i8mm", Verdict.Ok)]
    [InlineData("", Verdict.Warn)]
    public void What_instruction_sets_mean(string cpuinfo, object verdict) =>
        Assert.Equal(verdict, ProcessorCheck.Judge(ProcessorFeatures.Parse(cpuinfo), 2).Verdict);
}
