using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using VlWorker.Decoding;
using VlWorker.Decoding.Headers;
using VlWorker.Failures;

namespace VlWorker.Bench.Decoding;

/// <summary>Compares decoded and resized bytes with golden ones, bit for bit, and with Pillow itself where there are none.</summary>
internal static class FidelityPixelsCommand
{
    public static Command Create()
    {
        var golden = new Option<DirectoryInfo?>("--golden") { Description = "Folder with demo/ and photos/: golden.json and resized images." };
        var photos = new Option<DirectoryInfo?>("--photos") { Description = "Folder of the photographs that golden/photos describes." };
        var samples = new Option<DirectoryInfo?>("--samples") { Description = "Folder of images to compare with Pillow; by default samples/." };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command("fidelity-pixels", "Decoded and resized bytes against Pillow's, bit for bit") { golden, photos, samples, output };
        command.SetAction((parsed, cancellation) => RunAsync(
            parsed.GetValue(golden)?.FullName,
            parsed.GetValue(photos)?.FullName,
            parsed.GetValue(samples)?.FullName ?? Path.Combine(Repository.Root, "samples"),
            parsed.GetValue(output),
            cancellation));
        return command;
    }

    /// <summary>Runs the comparison. Returns 0 when all bytes are equal.</summary>
    public static async Task<int> RunAsync(string? golden, string? photos, string samples, string? output, CancellationToken cancellation)
    {
        using var decoder = new ImageDecoder(new DecodingOptions());
        using var pillow = Peer.Pillow();
        using var report = new Report("Pixels against Pillow's", output);
        report.Line($"Peer: {pillow?.Version ?? "none (python3-pil is not installed)"}");
        var tally = new FidelityTally();
        if (golden is not null)
            await CompareDemoAsync(decoder, pillow, Path.Combine(golden, "demo"), tally, cancellation);
        if (golden is not null && photos is not null)
            await ComparePhotosAsync(decoder, pillow, Path.Combine(golden, "photos"), photos, tally, cancellation);
        if (pillow is not null)
            await ComparePillowAsync(decoder, pillow, samples, tally, cancellation);
        tally.Print(report);
        return tally.AllEqual ? 0 : 1;
    }

    private static async Task CompareDemoAsync(
        ImageDecoder decoder, Peer? pillow, string folder, FidelityTally tally, CancellationToken cancellation)
    {
        foreach (var image in Images(folder))
        {
            var name = image["image"]!.GetValue<string>();
            var (rgb, vit, clip) = await PrepareAsync(decoder, Path.Combine(folder, "images", name), image, cancellation);
            tally.AddHash("demo, decoded", name, rgb, image["rgb_sha256"]!.GetValue<string>(), null);
            var peer = pillow?.Prepare(Path.Combine(folder, "images", name), [Plans.Describe(Plans.Vit), Plans.Describe(Plans.Clip)]);
            foreach (var (plan, actual, byPillow) in new[] { ("vit", vit, peer?[0]), ("clip", clip, peer?[1]) })
            {
                if (await ReadAsync(decoder, Path.Combine(folder, "resized", plan, $"{name}.png"), cancellation) is { } expected)
                    tally.Add($"demo, {plan}, golden", name, actual, expected);
                else if (byPillow is not null)
                    tally.Add($"demo, {plan}, Pillow here", name, actual, byPillow);
            }
        }
    }

    private static async Task ComparePhotosAsync(
        ImageDecoder decoder, Peer? pillow, string golden, string photos, FidelityTally tally, CancellationToken cancellation)
    {
        foreach (var image in Images(golden))
        {
            var name = image["image"]!.GetValue<string>();
            var file = Path.Combine(photos, name);
            var (rgb, vit, clip) = await PrepareAsync(decoder, file, image, cancellation);
            var peer = pillow?.Prepare(file, [[], Plans.Describe(Plans.Vit), Plans.Describe(Plans.Clip)]);
            tally.AddHash("photographs, decoded", name, rgb, image["rgb_sha256"]!.GetValue<string>(), peer?[0]);
            tally.AddHash("photographs, vit", name, vit, image["vit_sha256"]!.GetValue<string>(), peer?[1]);
            tally.AddHash("photographs, clip", name, clip, image["clip_sha256"]!.GetValue<string>(), peer?[2]);
            if (peer is not null)
                tally.AddHash("photographs, Pillow here against golden", name, peer[0], image["rgb_sha256"]!.GetValue<string>(), rgb);
        }
    }

    private static async Task ComparePillowAsync(ImageDecoder decoder, Peer pillow, string samples, FidelityTally tally, CancellationToken cancellation)
    {
        foreach (var file in Repository.Images(samples))
        {
            var name = Path.GetFileName(file);
            var expected = pillow.Prepare(file, [[], Plans.Describe(Plans.Vit), Plans.Describe(Plans.Clip)]);
            try
            {
                var (width, height) = ImageHeader.Read(await File.ReadAllBytesAsync(file, cancellation)).Upright;
                var prepared = await DecodeAsync(decoder, file, [Plans.Whole(width, height), Plans.Vit, Plans.Clip], cancellation);
                tally.Add("samples, decoded", name, prepared[0], expected[0]);
                tally.Add("samples, vit", name, prepared[1], expected[1]);
                tally.Add("samples, clip", name, prepared[2], expected[2]);
            }
            catch (RejectedException e)
            {
                tally.Fail("samples, decoded", name, e.Message);
            }
        }
    }

    private static IEnumerable<JsonNode> Images(string folder) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "golden.json")))!["images"]!.AsArray().Select(image => image!);

    private static async Task<(byte[] Rgb, byte[] Vit, byte[] Clip)> PrepareAsync(
        ImageDecoder decoder, string file, JsonNode image, CancellationToken cancellation)
    {
        var size = image["size"]!.AsArray();
        var whole = Plans.Whole(size[0]!.GetValue<int>(), size[1]!.GetValue<int>());
        var prepared = await DecodeAsync(decoder, file, [whole, Plans.Vit, Plans.Clip], cancellation);
        return (prepared[0], prepared[1], prepared[2]);
    }

    private static async Task<byte[]?> ReadAsync(ImageDecoder decoder, string file, CancellationToken cancellation)
    {
        if (!File.Exists(file))
            return null;
        var (width, height) = ImageHeader.Read(await File.ReadAllBytesAsync(file, cancellation)).Upright;
        return (await DecodeAsync(decoder, file, [Plans.Whole(width, height)], cancellation))[0];
    }

    private static async Task<List<byte[]>> DecodeAsync(
        ImageDecoder decoder, string file, IReadOnlyList<ModelKit.Configuration.ResizePlan> plans, CancellationToken cancellation)
    {
        var image = await decoder.DecodeAsync(await File.ReadAllBytesAsync(file, cancellation), plans, cancellation);
        var pixels = image.Prepared.Select(prepared => prepared.Rgb.ToArray()).ToList();
        foreach (var prepared in image.Prepared)
            prepared.Dispose();
        return pixels;
    }
}
