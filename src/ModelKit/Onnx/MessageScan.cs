using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace VlWorker.ModelKit.Onnx;

/// <summary>
/// Looks over a protobuf message before it is parsed. A parser makes an object for every two bytes of an empty message: what has too many
/// parts, nests too deeply or is cut off is refused before it costs memory.
/// </summary>
internal static class MessageScan
{
    /// <summary>Messages, texts and unknown fields at most. The graph of a model with a hundred layers has some hundred thousand.</summary>
    public const int MostParts = 2_000_000;

    /// <summary>Messages inside each other at most, as in protobuf's own readers: thirty graphs inside each other.</summary>
    public const int DeepestNesting = 100;

    /// <summary>Walks over a message.</summary>
    /// <returns>How many parts it has.</returns>
    /// <exception cref="InvalidDataException">It is malformed, or passes a limit.</exception>
    public static int Check(ReadOnlySpan<byte> message, MessageDescriptor type) => Walk(message, 0, type, 0, 0);

    /// <param name="message">The bytes.</param>
    /// <param name="start">Where they begin in the file.</param>
    /// <param name="type">What they are.</param>
    /// <param name="depth">Messages around them.</param>
    /// <param name="parts">Parts counted so far.</param>
    /// <returns>Parts counted then.</returns>
    private static int Walk(ReadOnlySpan<byte> message, long start, MessageDescriptor type, int depth, int parts)
    {
        if (depth > DeepestNesting)
            throw new InvalidDataException($"messages nest more than {DeepestNesting} deep at byte {start}");
        for (var position = 0; position < message.Length;)
        {
            var at = start + position;
            var tag = Varint(message, ref position, start);
            var field = tag >> 3 <= int.MaxValue ? type.FindFieldByNumber((int)(tag >> 3)) : null;
            if (field is null && ++parts > MostParts)
                throw TooMany();
            switch ((WireFormat.WireType)(tag & 7))
            {
                case WireFormat.WireType.Varint:
                    Varint(message, ref position, start);
                    break;
                case WireFormat.WireType.Fixed64:
                    position = Skip(message, position, 8, at, type);
                    break;
                case WireFormat.WireType.Fixed32:
                    position = Skip(message, position, 4, at, type);
                    break;
                case WireFormat.WireType.LengthDelimited:
                    var length = Varint(message, ref position, start);
                    var content = position;
                    position = Skip(message, position, length, at, type);
                    if (++parts > MostParts)
                        throw TooMany();
                    if (field?.FieldType == FieldType.Message)
                        parts = Walk(message[content..position], start + content, field.MessageType, depth + 1, parts);
                    break;
                default:
                    throw new InvalidDataException($"byte {at} is no field of {type.Name}: this is no ONNX file, or it is damaged");
            }
        }

        return parts;
    }

    private static InvalidDataException TooMany() => new($"it has more than {MostParts} parts");

    private static int Skip(ReadOnlySpan<byte> message, int position, ulong bytes, long at, MessageDescriptor type) =>
        bytes <= (ulong)(message.Length - position)
            ? position + (int)bytes
            : throw new InvalidDataException(
                $"a field of {type.Name} at byte {at} has {bytes} bytes, more than are left: the file is cut off or damaged");

    private static ulong Varint(ReadOnlySpan<byte> message, ref int position, long start)
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (position == message.Length)
                throw new InvalidDataException($"it ends within a number at byte {start + position}: the file is cut off or damaged");
            var part = message[position++];
            value |= shift < 64 ? (ulong)(part & 0x7F) << shift : 0;
            if (part < 0x80)
                return value;
        }

        throw new InvalidDataException($"a number before byte {start + position} is too long: this is no ONNX file, or it is damaged");
    }
}
