using System.Buffers;
using System.Numerics;
using System.Security.Cryptography;
using Microsoft.Extensions.ObjectPool;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Fetching;

/// <summary>Reads a body into pooled memory within the size limit, the budget and the time-outs, hashing what has arrived meanwhile.</summary>
internal sealed class BodyReader(FetchingOptions options, MemoryBudget budget, TimeProvider time)
{
    private const int FirstBuffer = 64 << 10;

    private static readonly ObjectPool<IncrementalHash> Hashes = new DefaultObjectPool<IncrementalHash>(new HashPolicy());

    private readonly TimeSpan _stall = TimeSpan.FromMilliseconds(options.StallTimeoutMs);
    private readonly TimeSpan _whole = TimeSpan.FromMilliseconds(options.BodyTimeoutMs);

    /// <summary>Reads to the end. The budget is charged before memory is taken; the result's owner gives both back.</summary>
    /// <param name="body">The body; stays the caller's.</param>
    /// <param name="length">Bytes that the store has announced; null where it has not.</param>
    /// <param name="etag">Entity tag for the result.</param>
    /// <param name="versionId">Version for the result.</param>
    /// <param name="watchdog">Counts the pauses within the body; waiting for the budget does not count.</param>
    /// <exception cref="RejectedException">Empty or too large.</exception>
    /// <exception cref="EndOfStreamException">The body is shorter than announced.</exception>
    public async Task<FetchedObject> ReadAsync(Stream body, long? length, string? etag, string? versionId, Watchdog watchdog)
    {
        if (length > options.MaxBytes)
            throw TooLarge($"{length:N0} bytes");
        if (length == 0)
            throw Empty();
        watchdog.Pause();
        var lease = await budget.AcquireAsync(Rented(length ?? options.MaxBytes), watchdog.Token).ConfigureAwait(false);
        var hash = Hashes.Get();
        PooledBuffer? content = null;
        try
        {
            content = length is { } known
                ? await FillAsync(body, (int)known, hash, watchdog).ConfigureAwait(false)
                : await GrowAsync(body, hash, watchdog).ConfigureAwait(false);
            if (content.Length == 0)
                throw Empty();
            lease.Shrink(Rented(content.Length));
            return new FetchedObject(content, lease, Hex(hash), etag, versionId);
        }
        catch
        {
            content?.Dispose();
            lease.Dispose();
            throw;
        }
        finally
        {
            Hashes.Return(hash);
        }
    }

    private async Task<PooledBuffer> FillAsync(Stream body, int length, IncrementalHash hash, Watchdog watchdog)
    {
        var content = new PooledBuffer(length);
        try
        {
            var start = time.GetTimestamp();
            for (var got = 0; got < length;)
            {
                var read = await ReadSomeAsync(body, content.Memory[got..], start, watchdog).ConfigureAwait(false);
                if (read == 0)
                    throw new EndOfStreamException($"the body ended after {got:N0} of {length:N0} bytes");
                hash.AppendData(content.Span.Slice(got, read));
                got += read;
            }

            return content;
        }
        catch
        {
            content.Dispose();
            throw;
        }
    }

    /// <summary>For bodies of unknown length: the buffer grows; the lease covers the limit.</summary>
    private async Task<PooledBuffer> GrowAsync(Stream body, IncrementalHash hash, Watchdog watchdog)
    {
        // One byte above the limit tells a body that fills it from one that exceeds it.
        var limit = (int)options.MaxBytes + 1;
        var content = new PooledBuffer(Math.Min(FirstBuffer, limit));
        try
        {
            var (got, start) = (0, time.GetTimestamp());
            while (true)
            {
                if (got == content.Length)
                    content = Larger(content, limit);
                var read = await ReadSomeAsync(body, content.Memory[got..], start, watchdog).ConfigureAwait(false);
                if (read == 0)
                    break;
                hash.AppendData(content.Span.Slice(got, read));
                got += read;
                if (got == limit)
                    throw TooLarge("its body goes on");
            }

            content.Truncate(got);
            return content;
        }
        catch
        {
            content.Dispose();
            throw;
        }
    }

    private static PooledBuffer Larger(PooledBuffer full, int limit)
    {
        using (full)
        {
            var larger = new PooledBuffer((int)Math.Min(limit, full.Length * 2L));
            full.Span.CopyTo(larger.Span);
            return larger;
        }
    }

    private ValueTask<int> ReadSomeAsync(Stream body, Memory<byte> into, long start, Watchdog watchdog)
    {
        var pending = body.ReadAsync(into, watchdog.Token);
        if (!pending.IsCompleted)
        {
            // The timer is touched only where there is something to wait for.
            var left = _whole - time.GetElapsedTime(start);
            watchdog.Expect(left < _stall ? "the rest of the body" : "more of the body", left < _stall ? left : _stall);
        }

        return pending;
    }

    private static string Hex(IncrementalHash hash)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return Convert.ToHexStringLower(digest);
    }

    /// <summary>What the pool takes for so many bytes.</summary>
    private static long Rented(long length) => (long)BitOperations.RoundUpToPowerOf2((ulong)Math.Max(length, 16));

    private static RejectedException Empty() => new(RejectionReason.Empty, "the object has no bytes");

    private RejectedException TooLarge(string found) =>
        new(RejectionReason.TooLarge, $"the object is larger than the {options.MaxBytes:N0} bytes that are accepted: {found}");

    private sealed class HashPolicy : PooledObjectPolicy<IncrementalHash>
    {
        public override IncrementalHash Create() => IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        /// <summary>What a failed read has left is dropped.</summary>
        public override bool Return(IncrementalHash hash)
        {
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            return hash.TryGetHashAndReset(digest, out _);
        }
    }
}
