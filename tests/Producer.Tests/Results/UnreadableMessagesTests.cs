using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Results;

namespace VlWorker.Producer.Tests.Results;

public sealed class UnreadableMessagesTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly TestTerminal _terminal = new();

    public void Dispose()
    {
        _folder.Dispose();
        _terminal.Dispose();
    }

    [Fact]
    public async Task Large_ones_are_written_before_they_take_much_memory()
    {
        var file = _folder["u.jsonl"];
        var messages = new UnreadableMessages(file, _terminal.Terminal);

        for (var i = 0; i < 7; i++)
            await messages.AddAsync(Garbage(1 << 20), "no JSON");

        Assert.InRange(new FileInfo(file).Length, 8 << 20, 10 << 20);
        await messages.FlushAsync();
        Assert.Equal(7, File.ReadLines(file).Count());
    }

    [Fact]
    public async Task A_file_that_does_not_end_as_JSON_lines_do_is_left_as_it_is()
    {
        var file = _folder.Write("notes.txt", "first\nsecond");
        var messages = new UnreadableMessages(file, _terminal.Terminal);
        await messages.AddAsync(Garbage(1), "no JSON");

        var error = await Assert.ThrowsAsync<ProducerException>(messages.FlushAsync);

        Assert.Equal(ExitCode.JobFile, error.ExitCode);
        Assert.Equal("first\nsecond", await File.ReadAllTextAsync(file));
    }

    private static Arrival Garbage(int bytes) => new(1, new byte[bytes], Topology.ResultsExchange, new BasicProperties(), false);
}
