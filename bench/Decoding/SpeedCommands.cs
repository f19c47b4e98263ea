using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Spectre.Console;
using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Bench.Decoding;

/// <summary>Resizing, and decoding with resizing, against Pillow and sharp; one thread each.</summary>
internal static class SpeedCommands
{
    public static Command CreateResize() => Create("resize", "Resizing alone, from pixels in memory, against Pillow and sharp");

    public static Command CreateDecode() => Create("decode", "Decoding and resizing, from encoded bytes in memory, against Pillow and sharp");

    private static Command Create(string name, string description)
    {
        var photos = new Option<DirectoryInfo?>("--photos") { Description = "Folder of images; by default samples/." };
        var turns = new Option<int>("--turns") { Description = "Turns that each takes, half a second long.", DefaultValueFactory = _ => 9 };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command(name, description) { photos, turns, output };
        command.SetAction(parsed => Run(
            name, parsed.GetValue(photos)?.FullName ?? Path.Combine(Repository.Root, "samples"), parsed.GetValue(turns), parsed.GetValue(output)));
        return command;
    }

    private static int Run(string operation, string folder, int turns, string? output)
    {
        var files = Repository.Images(folder);
        using var pillow = Peer.Pillow();
        using var sharp = Peer.Sharp();
        if (pillow is null)
            AnsiConsole.WriteLine("Pillow is not there: install python3-pil.");
        if (sharp is null)
            AnsiConsole.WriteLine("sharp is not there: npm ci --ignore-scripts in bench/peers/sharp.");
        using var contestant = new OurDecoding(files);
        using var report = new Report(operation == "resize" ? "Resizing" : "Decoding and resizing", output);
        report.Keep($"One thread each, taking turns of half a second. libturbojpeg of the system: {(VlWorker.Decoding.Formats.TurboJpeg.IsAvailable ? "used" : "not installed")}.");
        foreach (var (name, plan) in new[] { ("ViT: 224 x 224, bilinear", Plans.Vit), ("CLIP: short side 224, bicubic, crop", Plans.Clip) })
        {
            var race = new Race($"{operation}, {files.Count} images of {Path.GetFileName(folder)}, {name}");
            List<Racer> racers = [new("VlWorker", rounds => operation == "resize" ? contestant.Resize(plan, rounds) : contestant.Decode(plan, rounds))];
            foreach (var peer in new[] { pillow, sharp }.OfType<Peer>())
                racers.Add(new Racer(peer.Version, rounds => Ask(peer, operation, files, plan, rounds)));
            race.Run(racers, turns);
            race.Report(report);
        }

        report.Line($"Managed heap, bytes an image: {contestant.AllocatedPerImage(Plans.Vit)}");
        return 0;
    }

    private static (int Images, double Seconds) Ask(Peer peer, string operation, IReadOnlyList<string> files, ResizePlan plan, int rounds)
    {
        var answer = peer.Ask(new JsonObject
        {
            ["op"] = operation,
            ["files"] = new JsonArray([.. files.Select(file => JsonValue.Create(file))]),
            ["plan"] = Plans.Describe(plan),
            ["rounds"] = rounds,
        });
        return (answer["images"]!.GetValue<int>(), answer["seconds"]!.GetValue<double>());
    }
}
