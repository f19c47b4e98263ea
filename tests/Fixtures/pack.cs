// Packs a model folder with golden outputs into a test fixture: dotnet run tests/Fixtures/pack.cs -- SOURCE TARGET.tar.br [EMBEDDING [round]]
// EMBEDDING names a token embedding of the checkpoint, [vocabulary, width] in float32, of which the rows that the golden files name are kept as
// they are. The others become zero, or with "round" keep 11 of the 23 bits behind the point, in the graphs too: random rows would be most of the
// archive. The same input gives the same bytes: names are ordered, times and owners are fixed. See README.md.
#:property RestorePackagesWithLockFile=false
#:property PublishAot=false

using System.Buffers.Binary;
using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

// What is not ASCII stays as it is: shorter, and equal in content.
JsonSerializerOptions plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

// Brotli finds repeats up to 16 MB back (window 24): the decoder graphs of one model hold the same weights and stand side by side.
const int BrotliQuality = 11;
const int BrotliWindow = 24;

var round = args is [.., "round"];
if (args.Length is < 2 or > 4 || (args.Length == 4 && !round))
{
    Console.Error.WriteLine("usage: pack.cs SOURCE TARGET.tar.br [EMBEDDING [round]]");
    return 2;
}

var source = Path.GetFullPath(args[0]);
string[] configs =
[
    "config.json", "generation_config.json", "preprocessor_config.json",
    "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",
];
const string checkpoint = "model.safetensors";
var thin = args.Length > 2 ? Thinner(args[2]) : file => file;
using var tar = new MemoryStream();
using (var writer = new TarWriter(tar, TarEntryFormat.Ustar, leaveOpen: true))
{
    foreach (var name in configs.Where(name => File.Exists(Path.Combine(source, name))))
        Add(writer, name, Minified(name));
    Add(writer, checkpoint, thin(File.ReadAllBytes(Path.Combine(source, checkpoint))));
    foreach (var folder in new[] { "onnx", "golden/images", "golden/images_decoded" })
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(source, folder)).Order(StringComparer.Ordinal))
            Add(writer, $"{folder}/{Path.GetFileName(file)}", thin(File.ReadAllBytes(file)));
    }

    Add(writer, "golden/golden.json", Minified("golden/golden.json"));
    Add(writer, "golden/golden.safetensors", Embeddings(File.ReadAllBytes(Path.Combine(source, "golden/golden.safetensors"))));
}

var packed = new byte[BrotliEncoder.GetMaxCompressedLength((int)tar.Length)];
if (!BrotliEncoder.TryCompress(tar.ToArray(), packed, out var length, BrotliQuality, BrotliWindow))
    throw new InvalidOperationException("Brotli needs more room than it said.");
File.WriteAllBytes(args[1], packed[..length]);
Console.WriteLine($"{args[1]}: {tar.Length:N0} -> {length:N0} bytes");
return 0;

byte[] Minified(string name) =>
    Encoding.UTF8.GetBytes(JsonNode.Parse(File.ReadAllBytes(Path.Combine(source, name)))!.ToJsonString(plain));

// Thins the rows of an embedding that no golden file names, wherever the whole matrix stands in a file.
Func<byte[], byte[]> Thinner(string name)
{
    var file = File.ReadAllBytes(Path.Combine(source, checkpoint));
    var headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
    var tensor = JsonNode.Parse(file.AsSpan(8, headerLength))![name] ?? throw new ArgumentException($"{checkpoint} has no tensor {name}");
    if ((string)tensor["dtype"]! != "F32")
        throw new ArgumentException($"{name} is not float32");
    var (from, to) = ((int)tensor["data_offsets"]![0]!, (int)tensor["data_offsets"]![1]!);
    var matrix = file.AsSpan((8 + headerLength + from)..(8 + headerLength + to)).ToArray();
    var rowBytes = sizeof(float) * (int)tensor["shape"]![1]!;
    var golden = JsonNode.Parse(File.ReadAllBytes(Path.Combine(source, "golden/golden.json")))!;
    var used = round ? Integers(golden).ToHashSet() : golden["texts"]!.AsArray().SelectMany(text => Integers(text!["input_ids"])).ToHashSet();
    return content =>
    {
        for (var at = content.AsSpan().IndexOf(matrix); at >= 0; at = content.AsSpan().IndexOf(matrix))
        {
            for (var row = 0; row < matrix.Length / rowBytes; row++)
            {
                var numbers = MemoryMarshal.Cast<byte, uint>(content.AsSpan(at + (row * rowBytes), rowBytes));
                for (var i = 0; i < numbers.Length && !used.Contains(row); i++)
                    numbers[i] = round ? Rounded(numbers[i]) : 0;
            }
        }

        return content;
    };
}

// The nearest float with the lower 12 bits zero.
static uint Rounded(uint bits) => (bits + (1u << 11)) & ~((1u << 12) - 1);

// All whole numbers of a document: among them every token id.
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

// A safetensors file with the embeddings alone. Left out: pixel_values and first-step logits, megabytes that follow from the rest.
static byte[] Embeddings(byte[] file)
{
    var headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
    var header = JsonNode.Parse(file.AsSpan(8, headerLength))!.AsObject();
    var kept = new JsonObject();
    using var data = new MemoryStream();
    foreach (var (name, tensor) in header.Where(entry => entry.Key.Contains("embeds") || entry.Key == "logits_per_image"))
    {
        var (from, to) = ((int)tensor!["data_offsets"]![0]!, (int)tensor["data_offsets"]![1]!);
        var start = data.Length;
        data.Write(file, 8 + headerLength + from, to - from);
        kept[name] = new JsonObject
        {
            ["dtype"] = tensor["dtype"]!.DeepClone(),
            ["shape"] = tensor["shape"]!.DeepClone(),
            ["data_offsets"] = new JsonArray(start, data.Length),
        };
    }

    var text = Encoding.UTF8.GetBytes(kept.ToJsonString());
    var aligned = text.Concat(Enumerable.Repeat((byte)' ', (8 - (text.Length % 8)) % 8)).ToArray();
    var prefix = new byte[8];
    BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)aligned.Length);
    return [.. prefix, .. aligned, .. data.ToArray()];
}
