using System.Diagnostics;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

/// <summary>What only a process of its own shows: signals, pipes whose reader leaves, and how much memory it takes.</summary>
public sealed class ProcessTests(ProducerFixture producer) : IClassFixture<ProducerFixture>, IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    public Task InitializeAsync() => producer.Broker.PurgeAsync(Topology.ResultsQueue);

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task What_the_reader_of_a_pipe_did_not_take_stays_in_the_queue()
    {
        // The reader leaves when the system lets it run: until then only what a pipe holds, 64 KiB, can be printed.
        for (var i = 0; i < 20; i++)
            await PublishAsync($"{i}", padding: 20_000);
        using var process = Start("results | head -n 1");

        var line = await process.StandardOutput.ReadToEndAsync().WaitAsync(Limit);

        await process.WaitForExitAsync().WaitAsync(Limit);
        Assert.Equal("0", Answer.Read(System.Text.Encoding.UTF8.GetBytes(line)).Id);
        var left = await Eventually.GetAsync("what was not read is back", () => producer.Broker.CountAsync(Topology.ResultsQueue), seen => seen >= 12);
        Assert.InRange(left, 12u, 19u);
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
    [InlineData("--help")]
    [InlineData("results --peek")]
    public async Task A_reader_that_leaves_at_once_gets_no_trace_of_a_stack(string command)
    {
        await PublishAsync("1");
        using var process = Start($"{command} | true");

        await process.WaitForExitAsync().WaitAsync(Limit);

        Assert.DoesNotContain("Unhandled", await process.StandardError.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_did_not_fit_on_the_disk_stays_in_the_queue_and_is_no_success()
    {
        await PublishAsync("1");
        using var process = Start("results > /dev/full");

        await process.WaitForExitAsync().WaitAsync(Limit);

        Assert.Equal(8, process.ExitCode);
        Assert.Contains("No space left", await process.StandardError.ReadToEndAsync(), StringComparison.Ordinal);
        await producer.Broker.WaitForCountAsync(Topology.ResultsQueue, 1);
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

    [Theory]
    [InlineData("--to-parquet", ".")]
    [InlineData("--to-jsonl", "r.jsonl")]
    public async Task Who_keeps_results_is_alone_with_its_files_until_it_is_killed(string option, string name)
    {
        var folder = Repository.NewFolder("alone");
        string[] keep = ["results", option, Path.Combine(folder, name)];
        using var process = Start($"{string.Join(' ', keep)} --follow", exec: true);
        await Eventually.TrueAsync("it reads", async () => await producer.Broker.ConsumersAsync(Topology.ResultsQueue) == 1);

        var refused = await producer.RunAsync(keep);
        Assert.Equal(8, refused.Code);
        Assert.Contains("another process writes results to", refused.Error, StringComparison.Ordinal);

        process.Kill();
        await process.WaitForExitAsync().WaitAsync(Limit);
        await PublishAsync("1");
        await Eventually.TrueAsync("it is gone", async () => await producer.Broker.ConsumersAsync(Topology.ResultsQueue) == 0);
        var next = await producer.RunAsync(keep);
        Assert.True(next.Code == 0, next.Error);
        Assert.Contains("1 kept", next.Error, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>40 MB of requests, twice that as text, through a heap of 24 MB.</summary>
    [Fact]
    public async Task Ten_thousand_requests_are_confirmed_in_bounded_memory()
    {
        await producer.Broker.PurgeAsync(Topology.BackfillQueue);
        using var process = Start(
            """
            seq 10000 | awk '{ printf "{\"image\":{\"key\":\"%d.jpg\"},\"context\":{\"padding\":\"%04000d\"}}\n", $1, 0 }' |
            DOTNET_GCHeapHardLimit=1800000 vl publish -b photos --list - --lane backfill --id-prefix bulk --window 256
            """,
            group: true);

        var said = await process.StandardError.ReadToEndAsync().WaitAsync(Limit);

        Assert.Contains("10,000 published and confirmed", said, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(1, 10_000).Select(i => $"bulk-{i}"), await TakeIdsAsync(Topology.BackfillQueue, 10_000));
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

    private Task PublishAsync(string id, int padding = 0) => producer.Broker.PublishAsync(
        Topology.ResultsExchange,
        Topology.DescribedRoutingKey("interactive", null),
        ContractsJson.Write(FakeWorker.Result(id, $"{id}.jpg{new string('x', padding)}")));

    /// <summary>The message-ids in the order of the queue, taken by a consumer: one by one, so many would take long.</summary>
    private Task<List<string?>> TakeIdsAsync(string queue, int count) => producer.Broker.UseAsync(async channel =>
    {
        var ids = new List<string?>();
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            ids.Add(delivery.BasicProperties.MessageId);
            if (ids.Count == count)
                all.TrySetResult();
            return Task.CompletedTask;
        };
        var tag = await channel.BasicConsumeAsync(queue, autoAck: true, consumer);
        await all.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await channel.BasicCancelAsync(tag);
        return ids;
    });
}
