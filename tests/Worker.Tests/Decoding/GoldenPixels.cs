using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Decoding;

/// <summary>The files of the folder Golden, and short ways to decode.</summary>
internal static class GoldenPixels
{
    public static readonly ResizePlan Vit = new(224, 224, null, null, null, 2);

    public static readonly ResizePlan Clip = new(0, 0, 224, 224, 224, 3);

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Decoding", "Golden");

    private static readonly Lazy<Dictionary<string, byte[]>> Archive = new(ReadArchive);

    public static IReadOnlyDictionary<string, byte[]> Formats => Archive.Value;

    public static JsonElement Json(string file)
    {
        using var document = JsonDocument.Parse(Formats.TryGetValue(file, out var packed) ? packed : File.ReadAllBytes(Path.Combine(Folder, file)));
        return document.RootElement.Clone();
    }

    public static byte[] Image(string name) => File.ReadAllBytes(Path.Combine(Folder, "images", name));

    public static ResizePlan Whole(int width, int height) => new(width, height, null, null, null, 3);

    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Decodes, copies the pixels out and gives the memory back.</summary>
    public static async Task<(DecodedImage Image, List<byte[]> Pixels)> DecodeAsync(ImageDecoder decoder, ReadOnlyMemory<byte> encoded, params ResizePlan[] plans)
    {
        var image = await decoder.DecodeAsync(encoded, plans, CancellationToken.None);
        var pixels = image.Prepared.Select(prepared => prepared.Rgb.ToArray()).ToList();
        foreach (var prepared in image.Prepared)
            prepared.Dispose();
        return (image, pixels);
    }

    private static Dictionary<string, byte[]> ReadArchive()
    {
        using var archive = ZipFile.OpenRead(Path.Combine(Folder, "formats.zip"));
        return archive.Entries.ToDictionary(entry => entry.Name, entry =>
        {
            using var stream = entry.Open();
            var bytes = new byte[entry.Length];
            stream.ReadExactly(bytes);
            return bytes;
        });
    }
}
