using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;

/// <summary>A safetensors file of 32-bit floats; part of pack.cs.</summary>
internal sealed class Checkpoint(JsonObject header, byte[] bytes)
{
    private readonly byte[] data = bytes;

    public IEnumerable<string> Names => header.Select(entry => entry.Key).Where(name => name != "__metadata__");

    public static Checkpoint Read(string path)
    {
        var file = File.ReadAllBytes(path);
        var start = 8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        return new Checkpoint(JsonNode.Parse(file.AsSpan(8, start - 8))!.AsObject(), file[start..]);
    }

    public int[] Shape(string name) => [.. header[name]!["shape"]!.AsArray().Select(size => (int)size!)];

    public float[] Values(string name) => (string)header[name]!["dtype"]! == "F32"
        ? MemoryMarshal.Cast<byte, float>(Bytes(name)).ToArray()
        : throw new ArgumentException($"{name} is not float32");

    public Checkpoint Rounded(int bits)
    {
        var rounded = (byte[])data.Clone();
        if (bits > 0)
            Round(MemoryMarshal.Cast<byte, uint>(rounded.AsSpan()), bits);
        return new Checkpoint(header, rounded);
    }

    public Checkpoint Thinned(Dictionary<string, string> options, HashSet<int> used)
    {
        if ((options.GetValueOrDefault("zero") ?? options.GetValueOrDefault("round")) is not { } option)
            return this;
        var (name, bits) = option.Split(':') is [var tensor, var lost] ? (tensor, int.Parse(lost)) : (option, 0);
        var thinned = new Checkpoint(header, (byte[])data.Clone());
        var (rows, width) = (Shape(name)[0], Shape(name)[1]);
        var numbers = MemoryMarshal.Cast<byte, uint>(thinned.data.AsSpan((int)header[name]!["data_offsets"]![0]!, rows * width * sizeof(float)));
        for (var row = 0; row < rows; row++)
        {
            if (used.Contains(row))
                continue;
            if (options.ContainsKey("zero"))
                numbers.Slice(row * width, width).Clear();
            else
                Round(numbers.Slice(row * width, width), bits);
        }

        return thinned;
    }

    // The header, then the first bytes of all numbers, all second bytes, and so on: signs and exponents compress better among themselves.
    public byte[] Planes()
    {
        var count = data.Length / 4;
        var planes = new byte[data.Length];
        for (var i = 0; i < data.Length; i++)
            planes[(i % 4 * count) + (i / 4)] = data[i];
        return [.. Head(header), .. planes];
    }

    // A graph as pieces: 0, length, bytes; or 1 (2: transposed), the number of a tensor of the checkpoint by name, whose bytes stand there.
    public byte[] Parts(byte[] graph)
    {
        var found = new SortedDictionary<int, (byte Kind, int Tensor, int Length)>();
        var free = (byte[])graph.Clone();
        foreach (var (name, number) in Names.Order(StringComparer.Ordinal).Select((name, i) => (name, i)).OrderByDescending(t => Bytes(t.name).Length))
        {
            if (Bytes(name).Length < 64)
                continue;
            Find(Bytes(name), 1, number);
            if (Shape(name) is [> 1, > 1])
                Find(Transposed(name), 2, number);
        }

        using var parts = new MemoryStream();
        using var writer = new BinaryWriter(parts);
        var at = 0;
        foreach (var (start, part) in found.Append(new KeyValuePair<int, (byte Kind, int Tensor, int Length)>(graph.Length, default)))
        {
            if (start > at)
            {
                writer.Write((byte)0);
                writer.Write(start - at);
                writer.Write(graph, at, start - at);
            }

            if (part.Kind != 0)
            {
                writer.Write(part.Kind);
                writer.Write(part.Tensor);
            }

            at = start + part.Length;
        }

        return parts.ToArray();

        // What was found is blanked, so that no other tensor is found across it.
        void Find(ReadOnlySpan<byte> bytes, byte kind, int tensor)
        {
            for (var place = free.AsSpan().IndexOf(bytes); place >= 0; place = free.AsSpan().IndexOf(bytes))
            {
                if (bytes.IndexOfAnyExcept((byte)0) < 0)
                    return;
                found.Add(place, (kind, tensor, bytes.Length));
                free.AsSpan(place, bytes.Length).Clear();
            }
        }
    }

    // A safetensors file of some of the tensors.
    public byte[] Only(Func<string, bool> keep)
    {
        var kept = new JsonObject();
        using var content = new MemoryStream();
        foreach (var name in Names.Where(keep))
        {
            var start = content.Length;
            content.Write(Bytes(name));
            kept[name] = new JsonObject
            {
                ["dtype"] = "F32", ["shape"] = header[name]!["shape"]!.DeepClone(), ["data_offsets"] = new JsonArray(start, content.Length),
            };
        }

        return [.. Head(kept), .. content.ToArray()];
    }

    private static byte[] Head(JsonObject header)
    {
        var text = Encoding.UTF8.GetBytes(header.ToJsonString());
        var aligned = text.Concat(Enumerable.Repeat((byte)' ', (8 - (text.Length % 8)) % 8)).ToArray();
        var length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)aligned.Length);
        return [.. length, .. aligned];
    }

    private static void Round(Span<uint> numbers, int bits)
    {
        foreach (ref var number in numbers)
            number = (number + (1u << (bits - 1))) & ~((1u << bits) - 1);
    }

    private ReadOnlySpan<byte> Bytes(string name)
    {
        var (start, end) = ((int)header[name]!["data_offsets"]![0]!, (int)header[name]!["data_offsets"]![1]!);
        return data.AsSpan(start, end - start);
    }

    private byte[] Transposed(string name)
    {
        var (rows, columns) = (Shape(name)[0], Shape(name)[1]);
        var from = MemoryMarshal.Cast<byte, uint>(Bytes(name));
        var to = new uint[rows * columns];
        for (var i = 0; i < from.Length; i++)
            to[(i % columns * rows) + (i / columns)] = from[i];
        return MemoryMarshal.AsBytes(to.AsSpan()).ToArray();
    }
}
