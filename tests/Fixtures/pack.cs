#!/usr/bin/env dotnet
// Packs a model folder with golden outputs into a test fixture; README.md says what comes out and how each one was made.
//   dotnet run tests/Fixtures/pack.cs -- SOURCE TARGET.tar.br [bits=N] [zero=TENSOR | round=TENSOR:M] [with=FOLDER]
//   dotnet run tests/Fixtures/pack.cs -- images SOURCE tests/Fixtures/images.tar.br
// bits=N clears the lowest N of each number's 23 bits behind the point, rounding to the nearest. zero= and round= name a token embedding: rows of
// tokens that no golden text has become zero, or lose their lowest M bits. with= adds a second export of the same weights as nocache/.
// The same input gives the same bytes: names are ordered, times and owners are fixed.
#:include PackedCheckpoint.cs
#:property ExperimentalFileBasedProgramEnableIncludeDirective=true
#:property RestorePackagesWithLockFile=false
#:property PublishAot=false

using System.Formats.Tar;
using System.IO.Compression;
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
    Console.Error.WriteLine("usage: pack.cs SOURCE TARGET.tar.br [bits=N] [zero=TENSOR | round=TENSOR:M] [with=FOLDER], or pack.cs images SOURCE TARGET.tar.br");
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
    // A family whose graphs are made of the checkpoint has none.
    var files = Directory.Exists(folder) ? Directory.GetFiles(folder, pattern) : [];
    foreach (var file in files.Order(StringComparer.Ordinal))
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
