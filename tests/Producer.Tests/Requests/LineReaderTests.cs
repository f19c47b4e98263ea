using System.Text;
using VlWorker.Producer.Requests;

namespace VlWorker.Producer.Tests.Requests;

public sealed class LineReaderTests
{
    [Fact]
    public async Task Blank_lines_count_and_are_left_out()
    {
        Assert.Equal([(1L, "a"), (3L, " b "), (4L, "c")], await ReadAsync("a\n\n b \r\nc", 0));
    }

    [Fact]
    public async Task Skipping_keeps_the_numbers()
    {
        Assert.Equal([(3L, "c")], await ReadAsync("a\nb\nc\n", 2));
    }

    [Fact]
    public async Task A_file_is_read_like_standard_input()
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, "\uFEFF旅行.jpg\nb\n");
            Assert.Equal([(1L, "旅行.jpg"), (2L, "b")], await LineReader.ReadAsync(path, Stream.Null, 0, default).ToListAsync());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task What_is_no_list_is_refused()
    {
        var missing = await Assert.ThrowsAsync<ProducerException>(async () => await LineReader.ReadAsync("no/such/file", Stream.Null, 0, default).ToListAsync());
        var endless = await Assert.ThrowsAsync<ProducerException>(() => ReadAsync("a\n" + new string('x', 2_000_000), 0));

        Assert.Equal((ExitCode.Source, ExitCode.Usage), (missing.ExitCode, endless.ExitCode));
        Assert.Contains("no/such/file", missing.Message, StringComparison.Ordinal);
        Assert.Contains("line 2 is longer", endless.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_without_an_end_is_refused_before_it_is_read()
    {
        var endless = await Assert.ThrowsAsync<ProducerException>(
            async () => await LineReader.ReadAsync("/dev/zero", Stream.Null, 0, default).ToListAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1)));

        Assert.Equal("line 1 is longer than a request may be, 1 MiB: is this a list?", endless.Message);
    }

    [Fact]
    public async Task A_line_that_is_not_UTF8_is_told_by_its_number_and_the_others_are_read()
    {
        byte[] bytes = [.. "a\nb"u8, 0xE9, .. ".jpg\nc\n"u8];

        Assert.Equal([(1L, "a"), (2L, null), (3L, "c")], await LineReader.ReadAsync("-", new MemoryStream(bytes), 0, default).ToListAsync());
    }

    [Fact]
    public async Task Waiting_for_input_ends_when_cancelled()
    {
        using var cancelled = new CancellationTokenSource();
        await using var pipe = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.Out);
        await using var silent = new System.IO.Pipes.AnonymousPipeClientStream(System.IO.Pipes.PipeDirection.In, pipe.ClientSafePipeHandle);
        var reading = Task.Run(async () => await LineReader.ReadAsync("-", silent, 0, cancelled.Token).ToListAsync());

        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(TimeSpan.FromMinutes(1)));
    }

    private static async Task<List<(long Number, string? Line)>> ReadAsync(string text, long skip) =>
        await LineReader.ReadAsync("-", new MemoryStream(Encoding.UTF8.GetBytes(text)), skip, default).ToListAsync();
}
