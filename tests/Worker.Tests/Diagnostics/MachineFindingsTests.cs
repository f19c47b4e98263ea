using VlWorker.Diagnostics;

namespace VlWorker.Worker.Tests.Diagnostics;

/// <summary>What the doctor makes of facts of machines that are not here.</summary>
public sealed class MachineFindingsTests
{
    [Theory]
    [InlineData("Max open files            1024                 524288               files", 1024)]
    [InlineData("Limit  Soft Limit\nMax open files            unlimited            unlimited            files\n", long.MaxValue)]
    public void The_limit_of_open_files_is_read(string text, long limit) => Assert.Equal(limit, LimitsCheck.OpenFiles(text));

    [Fact]
    public void A_system_without_limits_has_none() => Assert.Null(LimitsCheck.OpenFiles(""));

    [Theory]
    [InlineData(200, 64, Verdict.Fail)]
    [InlineData(1024, 64, Verdict.Ok)]
    [InlineData(1024, 1000, Verdict.Fail)]
    [InlineData(long.MaxValue, 4096, Verdict.Ok)]
    public void Connections_need_open_files(long limit, int connections, object verdict) => Judged(LimitsCheck.JudgeFiles(limit, connections), (Verdict)verdict);

    [Theory]
    [InlineData(4L << 30, 512L << 20, Verdict.Ok)]
    [InlineData(768L << 20, 512L << 20, Verdict.Warn)]
    public void Budgets_need_memory(long available, long budgets, object verdict) => Judged(LimitsCheck.JudgeMemory(available, budgets), (Verdict)verdict);

    [Theory]
    [InlineData(50L << 20, Verdict.Fail)]
    [InlineData(1L << 30, Verdict.Warn)]
    [InlineData(100L << 30, Verdict.Ok)]
    public void A_full_disk_is_found(long free, object verdict) => Judged(DiskCheck.Judge("model cache", "/cache", free, "Inference:ModelCache"), (Verdict)verdict);

    [Fact]
    public async Task A_folder_that_can_not_be_written_to_is_found()
    {
        var findings = await new DiskCheck("/proc/no-folder-can-be-made-here", "/proc/nor-here").RunAsync(CancellationToken.None);

        Judged(findings[0], Verdict.Fail);
        Assert.Contains("Inference:ModelCache", findings[0].Remedy, StringComparison.Ordinal);
        Judged(findings[2], Verdict.Warn);
        Assert.Contains("Journal:Folder", findings[2].Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, Verdict.Ok)]
    [InlineData(30, Verdict.Warn)]
    [InlineData(-30, Verdict.Warn)]
    [InlineData(901, Verdict.Fail)]
    public void A_clock_that_is_off_is_found(double seconds, object verdict) => Judged(ClockCheck.Judge(TimeSpan.FromSeconds(seconds)), (Verdict)verdict);

    private static void Judged(Finding finding, Verdict verdict)
    {
        Assert.Equal(verdict, finding.Verdict);
        Assert.Equal(verdict == Verdict.Ok, finding.Remedy is null);
    }
}
