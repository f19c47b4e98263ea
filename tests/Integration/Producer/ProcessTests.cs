using System.Diagnostics;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

/// <summary>What only a process of its own shows: signals, and pipes whose reader leaves.</summary>
public sealed class ProcessTests(ProducerFixture producer) : IClassFixture<ProducerFixture>, IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    public Task InitializeAsync() => producer.Broker.PurgeAsync(Topology.ResultsQueue);

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task What_the_reader_of_a_pipe_did_not_take_stays_in_the_queue()
    {
        for (var i = 0; i < 20; i++)
            await PublishAsync($"{i}");
        using var process = Start("results | head -n 1");

        var line = await process.StandardOutput.ReadToEndAsync().WaitAsync(Limit);

        await process.WaitForExitAsync().WaitAsync(Limit);
        Assert.Equal("0", Answer.Read(System.Text.Encoding.UTF8.GetBytes(line)).Id);
        var left = await Eventually.GetAsync("what was not read is back", () => producer.Broker.CountAsync(Topology.ResultsQueue), seen => seen >= 17);
        Assert.InRange(left, 17u, 19u);
    }

    [Fact]
    public async Task Output_is_added_to_a_file_and_not_written_over_what_is_there()
    {
        await PublishAsync("1");
        var file = Path.GetTempFileName();
        try
        {
            using var process = Start($"{{ echo before; vl results; echo after; }} >> '{file}'", group: true);
            await process.WaitForExitAsync().WaitAsync(Limit);

            var lines = await File.ReadAllLinesAsync(file);
            Assert.Equal(("before", "after", 3), (lines[0], lines[^1], lines.Length));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task A_signal_ends_following_in_peace(string signal)
    {
        using var process = Start("results --follow", exec: true);
        await PublishAsync("1");
        Assert.NotNull(await process.StandardOutput.ReadLineAsync().WaitAsync(Limit));

        using var kill = Process.Start("kill", ["-s", signal, $"{process.Id}"]);
        await process.WaitForExitAsync().WaitAsync(Limit);

        Assert.Equal(0, process.ExitCode);
        Assert.Contains("1 shown", await process.StandardError.ReadToEndAsync(), StringComparison.Ordinal);
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 0);
    }

    /// <summary>Runs a line of shell in which <c>vl</c> is the producer; a line that is no group of commands begins with it.</summary>
    private Process Start(string line, bool group = false, bool exec = false)
    {
        var program = $"dotnet '{Repository.At("src", "Producer", "bin", Repository.Configuration, "net10.0", "vl-producer.dll")}'";
        var script = exec ? $"exec {program} {line}" : group ? $"vl() {{ {program} \"$@\"; }}; {line}" : $"{program} {line}";
        var start = new ProcessStartInfo("bash", ["-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["VLWORKER_BROKER_URI"] = producer.Broker.Uri.ToString();
        return Process.Start(start)!;
    }

    private Task PublishAsync(string id) => producer.Broker.PublishAsync(
        Topology.ResultsExchange, Topology.DescribedRoutingKey("interactive", null), ContractsJson.Write(FakeWorker.Result(id, $"{id}.jpg")));
}
