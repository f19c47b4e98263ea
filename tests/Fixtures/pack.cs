// Packs a model folder with golden outputs into a test fixture; README.md says what comes out and how each one was made.
//   dotnet run tests/Fixtures/pack.cs -- SOURCE TARGET.tar.br [bits=N] [zero=TENSOR | round=TENSOR] [with=FOLDER]
//   dotnet run tests/Fixtures/pack.cs -- images SOURCE tests/Fixtures/images.tar.br
// bits=N clears the lowest N of each number's 23 bits behind the point, rounding to the nearest. zero= and round= name a token embedding: rows of
// tokens that no golden text has become zero, or keep 11 bits behind the point. with= adds a second export of the same weights as nocache/.
// The same input gives the same bytes: names are ordered, times and owners are fixed.
#:property RestorePackagesWithLockFile=false
#:property PublishAot=false

using System.Buffers.Binary;
using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

// What is not ASCII stays as it is: shorter, and equal in content.
JsonSerializerOptions plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

if (args is ["images", var from, var to])
    return Write(to, writer => AddFiles(writer, Path.Combine(from, "golden/images"), "golden/images", bytes => bytes));
if (args.Length < 2 || args.Skip(2).Any(arg => !arg.Contains('=')))
{
    Console.Error.WriteLine("usage: pack.cs SOURCE TARGET.tar.br [bits=N] [zero=TENSOR | round=TENSOR] [with=FOLDER], or pack.cs images SOURCE TARGET.tar.br");
    return 2;
}

var source = Path.GetFullPath(args[0]);
var options = args.Skip(2).ToDictionary(arg => arg[..arg.IndexOf('=')], arg => arg[(arg.IndexOf('=') + 1)..]);
var exact = Checkpoint.Read(Path.Combine(source, "model.safetensors"));
return Write(args[1], writer =>
{
    AddConfigs(writer, source, "");
    var stored = exact.Rounded(int.Parse(options.GetValueOrDefault("bits", "0"))).Thinned(options, Used());
    Add(writer, "model.safetensors.planes", stored.Planes());
    AddFiles(writer, Path.Combine(source, "onnx"), "onnx", exact.Parts, ".parts");
    if (options.GetValueOrDefault("with") is { } other)
    {
        AddConfigs(writer, other, "nocache/");
        AddFiles(writer, other, "nocache", exact.Parts, ".parts", "*.onnx");
    }

    Add(writer, "golden/golden.json", Minified(source, "golden/golden.json"));
    var golden = Checkpoint.Read(Path.Combine(source, "golden/golden.safetensors"));
    Add(writer, "golden/resized.json", Encoding.UTF8.GetBytes(Resized(golden).ToJsonString()));
    if (golden.Names.Any(name => name is "logits_per_image" || (name.Contains("embeds") && golden.Shape(name).Length == 1)))
        Add(writer, "golden/golden.safetensors", golden.Only(name => name is "logits_per_image" || name.Contains("embeds")));
});

int Write(string target, Action<TarWriter> fill)
{
    using var tar = new MemoryStream();
    using (var writer = new TarWriter(tar, TarEntryFormat.Ustar, leaveOpen: true))
        fill(writer);
    var packed = new byte[BrotliEncoder.GetMaxCompressedLength((int)tar.Length)];
    if (!BrotliEncoder.TryCompress(tar.ToArray(), packed, out var length, quality: 11, window: 24))
        throw new InvalidOperationException("Brotli needs more room than it said.");
    File.WriteAllBytes(target, packed[..length]);
    Console.WriteLine($"{target}: {tar.Length:N0} -> {length:N0} bytes");
    return 0;
}

void AddConfigs(TarWriter writer, string folder, string prefix)
{
    string[] names =
    [
        "config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json", "special_tokens_map.json",
        "added_tokens.json", "tokenizer_config.json", "chat_template.json", "chat_template.jinja",
    ];
    foreach (var name in names.Where(name => File.Exists(Path.Combine(folder, name))))
        Add(writer, prefix + name, name.EndsWith(".json", StringComparison.Ordinal) ? Minified(folder, name) : File.ReadAllBytes(Path.Combine(folder, name)));
    if (File.Exists(Path.Combine(folder, "golden/native/config.json")))
        Add(writer, "golden/native/config.json", Minified(folder, "golden/native/config.json"));
    if (!File.Exists(Path.Combine(folder, "tokenizer.json")))
        return;
    var tokenizer = JsonNode.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")))!;
    var shortened = Shorten(tokenizer["model"]!);
    Add(writer, prefix + "tokenizer.json" + (shortened ? ".merges" : ""), Encoding.UTF8.GetBytes(tokenizer.ToJsonString(plain)));
}

// Tokens that are the merges' results, in the merges' order, follow from the merges: they are left out. True if any were.
static bool Shorten(JsonNode model)
{
    if ((string?)model["type"] != "BPE" || model["merges"] is not JsonArray { Count: > 0 } merges)
        return false;
    var vocabulary = model["vocab"]!.AsObject();
    var results = merges.Select(merge => merge is JsonArray pair ? (string)pair[0]! + (string)pair[1]! : ((string)merge!).Replace(" ", "")).ToList();
    var (kept, next) = (new JsonObject(), 0);
    foreach (var (token, id) in vocabulary.OrderBy(entry => (int)entry.Value!))
    {
        if (next < results.Count && results[next] == token)
            next++;
        else
            kept[token] = (int)id!;
    }

    // Every merge must have found its place, else ids could not be told from what is kept.
    if (next != results.Count || vocabulary.Max(entry => (int)entry.Value!) != vocabulary.Count - 1)
        return false;
    model["vocab"] = kept;
    return true;
}

void AddFiles(TarWriter writer, string folder, string prefix, Func<byte[], byte[]> encode, string ending = "", string pattern = "*")
{
    foreach (var file in Directory.EnumerateFiles(folder, pattern).Order(StringComparer.Ordinal))
        Add(writer, $"{prefix}/{Path.GetFileName(file)}{ending}", encode(File.ReadAllBytes(file)));
}

byte[] Minified(string folder, string name) =>
    Encoding.UTF8.GetBytes(JsonNode.Parse(File.ReadAllBytes(Path.Combine(folder, name)))!.ToJsonString(plain));

// The pixels before normalisation, as SHA-256 of their bytes: row by row, red, green, blue; several tiles one after the other.
JsonObject Resized(Checkpoint golden)
{
    var config = JsonNode.Parse(File.ReadAllBytes(Path.Combine(source, "preprocessor_config.json")))!;
    var (mean, deviation) = (config["image_mean"]!.AsArray(), config["image_std"]!.AsArray());
    var hashes = new JsonObject();
    foreach (var name in golden.Names.Where(name => name.StartsWith("pixel_values.", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
    {
        var (shape, values) = (golden.Shape(name), golden.Values(name));
        var area = shape[^1] * shape[^2];
        var bytes = new byte[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var (tile, channel, pixel) = (i / (3 * area), i / area % 3, i % area);
            bytes[(((tile * area) + pixel) * 3) + channel] = (byte)Math.Round(((values[i] * (double)deviation[channel]!) + (double)mean[channel]!) * 255);
        }

        hashes[name["pixel_values.".Length..]] = new JsonObject
        {
            ["shape"] = new JsonArray([.. shape.Select(size => (JsonNode)size)]),
            ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes)),
        };
    }

    return hashes;
}

// Numbers of the tokens that golden files name.
HashSet<int> Used()
{
    var golden = JsonNode.Parse(File.ReadAllBytes(Path.Combine(source, "golden/golden.json")))!;
    return options.ContainsKey("round") ? [.. Integers(golden)] : [.. Integers(golden["texts"])];
}

static IEnumerable<int> Integers(JsonNode? node) => node switch
{
    JsonArray list => list.SelectMany(Integers),
    JsonObject members => members.SelectMany(member => Integers(member.Value)),
    JsonValue value when value.TryGetValue<int>(out var number) => [number],
    _ => [],
};

static void Add(TarWriter writer, string name, byte[] content) => writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name)
{
    DataStream = new MemoryStream(content),
    ModificationTime = DateTimeOffset.UnixEpoch,
    Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
});

// A safetensors file of 32-bit floats.
sealed class Checkpoint(JsonObject header, byte[] bytes)
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
        if ((options.GetValueOrDefault("zero") ?? options.GetValueOrDefault("round")) is not { } name)
            return this;
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
                Round(numbers.Slice(row * width, width), 12);
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
