using System.Text;
using VlWorker.Contracts;

namespace VlWorker.Producer.Sources;

/// <summary>The physical lines of a text file, read with bounded memory.</summary>
/// <param name="stream">The file; owned by this object.</param>
/// <param name="path">Its name, for messages.</param>
internal sealed class ManifestLines(Stream stream, string path) : IDisposable
{
    /// <summary>Bytes of a line that are kept.</summary>
    public const int Longest = RequestLimits.MessageBytes;

    private const int BufferBytes = 64 << 10;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly MemoryStream _line = new();
    private int _from;
    private int _to;
    private long _number;
    private bool _isCut;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>The next line; null behind the last one. Of a line that is cut the rest is read by the next call.</summary>
    /// <exception cref="ProducerException">The file can't be read.</exception>
    public async ValueTask<ManifestLine?> NextAsync(CancellationToken cancellation)
    {
        await SkipRestAsync(cancellation);
        if (_from == _to && !await FillAsync(cancellation))
            return null;
        _number++;
        _line.SetLength(0);
        do
        {
            var rest = _buffer.AsSpan(_from, _to - _from);
            var end = rest.IndexOfAny((byte)'\n', (byte)'\r');
            var part = end < 0 ? rest : rest[..end];
            var room = Longest - (int)_line.Length;
            _isCut = part.Length > room;
            _line.Write(part[..Math.Min(part.Length, room)]);
            _from += part.Length;
            if (_isCut)
                break;
            if (end >= 0)
                return Line(await EndAsync(cancellation));
        }
        while (await FillAsync(cancellation));
        return Line("");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        stream.Dispose();
        _line.Dispose();
    }

    private async ValueTask SkipRestAsync(CancellationToken cancellation)
    {
        while (_isCut && (_from < _to || await FillAsync(cancellation)))
        {
            var end = _buffer.AsSpan(_from, _to - _from).IndexOfAny((byte)'\n', (byte)'\r');
            _from = end < 0 ? _to : _from + end;
            if (end < 0)
                continue;
            await EndAsync(cancellation);
            _isCut = false;
        }
    }

    private ManifestLine Line(string end)
    {
        var bytes = _line.ToArray();
        if (_number == 1 && bytes.AsSpan().StartsWith(ByteOrderMark))
            bytes = bytes[ByteOrderMark.Length..];
        return new ManifestLine(_number, bytes, end, _isCut);
    }

    private async ValueTask<string> EndAsync(CancellationToken cancellation)
    {
        if (_buffer[_from++] == '\n')
            return "\n";
        if ((_from == _to && !await FillAsync(cancellation)) || _buffer[_from] != '\n')
            return "\r";
        _from++;
        return "\r\n";
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellation)
    {
        try
        {
            (_from, _to) = (0, await stream.ReadAsync(_buffer, cancellation));
            return _to > 0;
        }
        catch (Exception error) when (error is IOException or DecoderFallbackException)
        {
            throw new ProducerException(ExitCode.Source, $"can't read {path} behind line {_number}: {error.Message}", error);
        }
    }
}

/// <summary>A physical line.</summary>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Bytes">The line without its end and without a byte order mark.</param>
/// <param name="End">What ends it; empty at the end of the file and where the line is cut.</param>
/// <param name="IsCut">Whether it has more bytes than <see cref="ManifestLines.Longest"/>, of which the rest is left out.</param>
internal sealed record ManifestLine(long Number, byte[] Bytes, string End, bool IsCut);
