using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace VlWorker.Worker.Tests.Fixtures;

/// <summary>Makes the files of a model folder of what pack.cs left of them: see "What is in an archive" in tests/Fixtures/README.md.</summary>
internal static class FixtureDecoder
{
    /// <summary>Decodes everything in a folder that was just unpacked.</summary>
    public static void Decode(string folder)
    {
        var checkpoint = Path.Combine(folder, "model.safetensors");
        Replace(folder, ".planes", FromPlanes);
        Replace(folder, ".merges", FromMerges);
        if (File.Exists(checkpoint))
        {
            var file = File.ReadAllBytes(checkpoint);
            Replace(folder, ".parts", parts => FromParts(parts, file));
        }
    }

    private static void Replace(string folder, string ending, Func<byte[], byte[]> decode)
    {
        foreach (var path in Directory.GetFiles(folder, "*" + ending, SearchOption.AllDirectories))
        {
            File.WriteAllBytes(path[..^ending.Length], decode(File.ReadAllBytes(path)));
            File.Delete(path);
        }
    }

    /// <summary>A safetensors file whose numbers were taken apart: all their first bytes, all their second bytes, and so on.</summary>
    private static byte[] FromPlanes(byte[] planes)
    {
        var start = DataStart(planes);
        var (file, count) = ((byte[])planes.Clone(), (planes.Length - start) / 4);
        for (var i = 0; i < count * 4; i++)
            file[start + i] = planes[start + (i % 4 * count) + (i / 4)];
        return file;
    }

    /// <summary>A tokenizer without the tokens that merges make: these have the ids that are free, in the merges' order.</summary>
    private static byte[] FromMerges(byte[] json)
    {
        var tokenizer = JsonNode.Parse(json)!;
        var (kept, merges) = (tokenizer["model"]!["vocab"]!.AsObject(), tokenizer["model"]!["merges"]!.AsArray());
        var byId = kept.ToDictionary(entry => (int)entry.Value!, entry => entry.Key);
        var results = new Queue<string>(merges.Select(merge =>
            merge is JsonArray pair ? $"{pair[0]}{pair[1]}" : $"{merge}".Replace(" ", "", StringComparison.Ordinal)));
        var whole = new JsonObject();
        for (var id = 0; id < kept.Count + merges.Count; id++)
            whole.Add(byId.TryGetValue(id, out var token) ? token : results.Dequeue(), id);
        tokenizer["model"]!["vocab"] = whole;
        return JsonSerializer.SerializeToUtf8Bytes(tokenizer);
    }

    /// <summary>A graph in pieces, of which some are tensors of the checkpoint, as they are or transposed.</summary>
    private static byte[] FromParts(byte[] parts, byte[] checkpoint)
    {
        var start = DataStart(checkpoint);
        var tensors = JsonNode.Parse(checkpoint.AsSpan(8, start - 8))!.AsObject().Where(entry => entry.Key != "__metadata__")
            .OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => entry.Value!).ToList();
        using var reader = new BinaryReader(new MemoryStream(parts));
        using var graph = new MemoryStream();
        while (reader.BaseStream.Position < parts.Length)
        {
            var (kind, number) = (reader.ReadByte(), reader.ReadInt32());
            if (kind == 0)
            {
                graph.Write(reader.ReadBytes(number));
                continue;
            }

            var (from, to) = ((int)tensors[number]["data_offsets"]![0]!, (int)tensors[number]["data_offsets"]![1]!);
            var bytes = checkpoint.AsSpan((start + from)..(start + to));
            graph.Write(kind == 1 ? bytes : Transposed(bytes, (int)tensors[number]["shape"]![1]!));
        }

        return graph.ToArray();
    }

    private static byte[] Transposed(ReadOnlySpan<byte> matrix, int columns)
    {
        var from = MemoryMarshal.Cast<byte, uint>(matrix);
        var (to, rows) = (new uint[from.Length], from.Length / columns);
        for (var i = 0; i < from.Length; i++)
            to[(i % columns * rows) + (i / columns)] = from[i];
        return MemoryMarshal.AsBytes(to.AsSpan()).ToArray();
    }

    private static int DataStart(byte[] file) => 8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
}
