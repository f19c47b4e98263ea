using System.Text.Json;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>
/// The head of a safetensors file: its length (8 bytes, little-endian), then JSON that names each tensor's type, shape and place, then
/// the tensors' bytes without a gap. Checked in full, so that whoever reads a tensor need not check again.
/// </summary>
internal static class SafetensorsHeader
{
    /// <summary>Bytes of the length before the header.</summary>
    public const int LengthBytes = 8;

    /// <summary>Bytes of the JSON at most, as in the format's reference implementation.</summary>
    public const int LargestHeader = 100_000_000;

    private const string Metadata = "__metadata__";

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 4 };

    /// <summary>Bits of an element.</summary>
    /// <param name="type">The format's name of its type.</param>
    /// <returns>0 for a type that the format does not have.</returns>
    public static int BitsOf(string type) => type switch
    {
        "F4" => 4,
        "F6_E2M3" or "F6_E3M2" => 6,
        "BOOL" or "U8" or "I8" or "F8_E5M2" or "F8_E4M3" or "F8_E8M0" or "F8_E4M3FNUZ" or "F8_E5M2FNUZ" => 8,
        "U16" or "I16" or "F16" or "BF16" => 16,
        "U32" or "I32" or "F32" => 32,
        "U64" or "I64" or "F64" or "C64" => 64,
        _ => 0,
    };

    /// <summary>Checks the header's length.</summary>
    /// <param name="length">What the file's first bytes say.</param>
    /// <param name="fileLength">Bytes of the file.</param>
    /// <exception cref="InvalidDataException">The file can't hold such a header.</exception>
    public static int CheckLength(ulong length, long fileLength) => length switch
    {
        < 2 => throw new InvalidDataException($"its header has {length} bytes: it is no safetensors file"),
        > LargestHeader => throw new InvalidDataException($"its header has {length} bytes, more than {LargestHeader}: it is no safetensors file"),
        _ when (long)length > fileLength - LengthBytes =>
            throw new InvalidDataException(
                $"its header has {length} bytes, but the file ends after {fileLength}: it is cut off, or no safetensors file"),
        _ => (int)length,
    };

    /// <summary>Reads the JSON.</summary>
    /// <param name="json">The header, without its length.</param>
    /// <param name="fileLength">Bytes of the file.</param>
    /// <exception cref="InvalidDataException">It breaks a rule of the format.</exception>
    public static List<CheckpointTensor> Parse(ReadOnlyMemory<byte> json, long fileLength)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            return Read(document.RootElement, LengthBytes + json.Length, fileLength);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"its header is not the JSON that the format asks for: {error.Message}", error);
        }
        catch (InvalidOperationException error)
        {
            // A name that is no Unicode text, such as half a surrogate pair.
            throw new InvalidDataException($"its header is not the JSON that the format asks for: {error.Message}", error);
        }
    }

    private static List<CheckpointTensor> Read(JsonElement root, long dataStart, long fileLength)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException("its header is no JSON object");
        var tensors = new List<CheckpointTensor>();
        foreach (var entry in root.EnumerateObject())
        {
            if (entry.NameEquals(Metadata))
                CheckMetadata(entry.Value);
            else
                tensors.Add(ReadTensor(entry.Name, entry.Value, dataStart));
        }

        CheckPlaces(tensors, dataStart, fileLength);
        return tensors;
    }

    private static void CheckMetadata(JsonElement metadata)
    {
        if (metadata.ValueKind != JsonValueKind.Object
            || metadata.EnumerateObject().Any(static entry => entry.Value.ValueKind != JsonValueKind.String))
            throw new InvalidDataException($"{Metadata} in its header is no object of texts");
    }

    private static CheckpointTensor ReadTensor(string name, JsonElement entry, long dataStart)
    {
        if (entry.ValueKind != JsonValueKind.Object || entry.EnumerateObject().Count() != 3
            || !entry.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String
            || !entry.TryGetProperty("shape", out var shape) || !entry.TryGetProperty("data_offsets", out var offsets))
            throw new InvalidDataException($"tensor {name}: its entry is not dtype, shape and data_offsets");
        var type = dtype.GetString()!;
        if (BitsOf(type) is not (> 0 and var bits))
            throw new InvalidDataException($"tensor {name}: {type} is no element type of the format");
        var dims = Integers(shape, name, "shape");
        if (Integers(offsets, name, "data_offsets") is not [var begin, var end] || begin > end || end > long.MaxValue - dataStart)
            throw new InvalidDataException($"tensor {name}: data_offsets is not a begin and an end");
        var length = end - begin;
        if (BitLength(dims, bits, name) != (UInt128)length * 8)
            throw new InvalidDataException($"tensor {name}: {length} bytes are not {type} [{string.Join(", ", dims)}]");
        return new CheckpointTensor(name, type, dims, dataStart + begin, length);
    }

    private static UInt128 BitLength(long[] dims, int bits, string name)
    {
        try
        {
            return (UInt128)ElementTypes.Count(dims) * (uint)bits;
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"tensor {name}: {error.Message}", error);
        }
    }

    private static long[] Integers(JsonElement list, string name, string property)
    {
        if (list.ValueKind != JsonValueKind.Array)
            throw new InvalidDataException($"tensor {name}: {property} is no list");
        var numbers = new long[list.GetArrayLength()];
        var i = 0;
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Number || !entry.TryGetInt64(out numbers[i++]) || numbers[i - 1] < 0)
                throw new InvalidDataException($"tensor {name}: {property} holds {entry.GetRawText()}, which is no size");
        }

        return numbers;
    }

    /// <summary>Tensors lie one after the other: no byte belongs to two of them, or to none.</summary>
    private static void CheckPlaces(List<CheckpointTensor> tensors, long dataStart, long fileLength)
    {
        var position = dataStart;
        foreach (var tensor in tensors.OrderBy(static tensor => tensor.Offset).ThenBy(static tensor => tensor.Length))
        {
            if (tensor.Offset < position)
                throw new InvalidDataException($"tensor {tensor.Name}: it overlaps another one");
            if (tensor.Offset > position)
                throw new InvalidDataException($"tensor {tensor.Name}: {tensor.Offset - position} bytes before it belong to no tensor");
            if (tensor.Length > fileLength - position)
                throw new InvalidDataException($"tensor {tensor.Name}: it ends after the file: the file is cut off");
            position += tensor.Length;
        }

        if (position < fileLength)
            throw new InvalidDataException($"{fileLength - position} bytes at its end belong to no tensor");
    }
}
