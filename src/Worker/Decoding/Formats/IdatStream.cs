using System.Buffers.Binary;

namespace VlWorker.Decoding.Formats;

/// <summary>The content of a PNG's consecutive IDAT chunks as one stream, for the inflater.</summary>
/// <remarks>Their checksums are not looked at: the compressed data has a checksum of its own.</remarks>
internal sealed class IdatStream(ReadOnlyMemory<byte> chunks) : Stream
{
    private ReadOnlyMemory<byte> _rest = chunks;
    private int _left;
    private bool _begun;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        while (_left == 0)
        {
            // The checksum of the chunk before, then length and type of the next.
            _rest = _rest[(_begun ? Math.Min(4, _rest.Length) : 0)..];
            _begun = true;
            if (_rest.Length < 8 || !_rest.Span[4..].StartsWith("IDAT"u8))
            {
                _rest = default;
                return 0;
            }

            _left = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(_rest.Span), (uint)_rest.Length - 8);
            _rest = _rest[8..];
        }

        var count = Math.Min(buffer.Length, _left);
        _rest.Span[..count].CopyTo(buffer);
        _rest = _rest[count..];
        _left -= count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
