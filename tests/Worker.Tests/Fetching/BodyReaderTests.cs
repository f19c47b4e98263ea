using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Fetching;

namespace VlWorker.Worker.Tests.Fetching;

public sealed class BodyReaderTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly MemoryBudget _budget = new(1 << 20);
    private readonly BodyReader _reader;

    public BodyReaderTests() => _reader = new BodyReader(
        new FetchingOptions { MaxBytes = 300_000, StallTimeoutMs = 1_000, BodyTimeoutMs = 5_000 }, _budget, _time);

    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(65_536, false)]
    [InlineData(65_537, false)]
    [InlineData(299_999, true)]
    [InlineData(300_000, true)]
    [InlineData(300_000, false)]
    public async Task A_body_is_read_with_its_hash(int length, bool announced)
    {
        var content = RandomNumberGenerator.GetBytes(length);
        using var watchdog = new Watchdog(_time, default);

        using (var fetched = await _reader.ReadAsync(new Pieces(content), announced ? length : null, "tag", "version", watchdog))
        {
            Assert.Equal(content, fetched.Content.ToArray());
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content)), fetched.Sha256);
            Assert.Equal(("tag", "version"), (fetched.Etag, fetched.VersionId));
            Assert.InRange(_budget.Used, length, Math.Max(16, length * 2));
        }

        Assert.Equal(0, _budget.Used);
    }

    [Theory]
    [InlineData(300_001L, 0, RejectionReason.TooLarge)]
    [InlineData(long.MaxValue, 0, RejectionReason.TooLarge)]
    [InlineData(null, 300_001, RejectionReason.TooLarge)]
    [InlineData(null, 900_000, RejectionReason.TooLarge)]
    [InlineData(0L, 0, RejectionReason.Empty)]
    [InlineData(null, 0, RejectionReason.Empty)]
    public async Task Limits_are_the_objects_fault(long? announced, int length, string reason)
    {
        using var watchdog = new Watchdog(_time, default);
        var body = new Pieces(new byte[length]);

        var error = await Assert.ThrowsAsync<RejectedException>(() => _reader.ReadAsync(body, announced, null, null, watchdog));

        Assert.Equal(reason, error.Reason);
        Assert.InRange(body.Position, 0, 300_001);
        Assert.Equal(0, _budget.Used);
    }

    [Fact]
    public async Task A_short_body_is_never_delivered_and_the_next_hash_is_right()
    {
        using var watchdog = new Watchdog(_time, default);
        await Assert.ThrowsAsync<EndOfStreamException>(() => _reader.ReadAsync(new Pieces(new byte[99]), 100, null, null, watchdog));
        Assert.Equal(0, _budget.Used);

        using var fetched = await _reader.ReadAsync(new Pieces("abc"u8.ToArray()), 3, null, null, watchdog);
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", fetched.Sha256);
    }

    [Fact]
    public async Task Memory_is_taken_only_when_the_budget_allows_and_waiting_for_it_is_no_stall()
    {
        using var watchdog = new Watchdog(_time, default);
        watchdog.Expect("the answer to begin", TimeSpan.FromSeconds(1));
        var all = await _budget.AcquireAsync(_budget.Capacity, default);
        var body = new Pieces(new byte[100]);

        var reading = _reader.ReadAsync(body, 100, null, null, watchdog);
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.False(reading.IsCompleted);
        Assert.Equal(0, body.Position);
        all.Dispose();

        using var fetched = await reading;
        Assert.Equal(100, fetched.Content.Length);
    }

    [Fact]
    public async Task A_body_that_stalls_runs_into_the_watchdog()
    {
        using var watchdog = new Watchdog(_time, default);
        var reading = _reader.ReadAsync(new Pieces(new byte[10], stallAtEnd: true), 20, null, null, watchdog);
        Assert.False(reading.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(reading.IsCompleted);

        _time.Advance(TimeSpan.FromMilliseconds(1));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal("more of the body", watchdog.Missed);
        Assert.Equal(0, _budget.Used);
    }

    [Fact]
    public async Task A_caller_who_leaves_is_not_a_stall()
    {
        using var leave = new CancellationTokenSource();
        using var watchdog = new Watchdog(_time, leave.Token);
        var reading = _reader.ReadAsync(new Pieces(new byte[10], stallAtEnd: true), 20, null, null, watchdog);

        await leave.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Null(watchdog.Missed);
        Assert.Equal(0, _budget.Used);
    }

    /// <summary>Hands out a few bytes at a time, as a connection does.</summary>
    private sealed class Pieces(byte[] content, bool stallAtEnd = false) : MemoryStream(content)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (stallAtEnd && Position == Length)
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return Read(buffer.Span[..Math.Min(buffer.Length, 10_007)]);
        }
    }
}
