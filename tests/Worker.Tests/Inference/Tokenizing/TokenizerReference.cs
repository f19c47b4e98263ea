using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;
using VlWorker.Inference.Tokenizing;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Tokenizing;

/// <summary>The ids and texts of Hugging Face's own library (reference/generate.mjs), and the tokenizers they are compared with.</summary>
internal static class TokenizerReference
{
    private static readonly ConcurrentDictionary<string, HubTokenizer> Loaded = new();

    private static readonly Lazy<ReferenceFile> Read = new(() =>
    {
        using var json = Unpack("reference.json.br");
        return JsonSerializer.Deserialize<ReferenceFile>(json, JsonSerializerOptions.Web)!;
    });

    public static ReferenceFile File => Read.Value;

    public static string[] Names { get; } = ["vit-gpt2-tiny", "clip-tiny", "demo-captioner", "demo-clip"];

    /// <summary>A file of this folder, read by the caller, who disposes of it.</summary>
    public static Stream Unpack(string name) => new BrotliStream(
        System.IO.File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Inference", "Tokenizing", name)), CompressionMode.Decompress);

    public static HubTokenizer Tokenizer(string name) => Loaded.GetOrAdd(name, name => HubTokenizer.Load(Folder(name)));

    public static string Folder(string name) => name.StartsWith("demo-", StringComparison.Ordinal)
        ? Path.Combine(AppContext.BaseDirectory, "Models", name)
        : FixtureArchive.Extract(name);
}

internal sealed record ReferenceFile(
    Dictionary<string, string> CodePoints,
    string[] Texts,
    JsonElement[][] Long,
    string[] VariantTexts,
    ReferenceVariant[] Variants,
    Dictionary<string, ReferenceTokenizer> Tokenizers);

internal sealed record ReferenceVariant(string Title, bool EncodeOnly, JsonElement Patch, ReferenceText[] Texts);

internal sealed record ReferenceTokenizer(int Size, ReferenceText[] Texts, ReferenceHash[] Long, ReferenceText[] Decoded);

internal sealed record ReferenceText(int[] Ids, string Text, string Full);

internal sealed record ReferenceHash(int Count, string Sha256);
