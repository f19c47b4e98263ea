using System.CommandLine;
using VlWorker.Bench.Pipeline;

namespace VlWorker.Bench.Devices;

/// <summary>Images a second of several devices together against the first of them alone, in turns, and whether the results are the same.</summary>
internal static class DevicesCommand
{
    private static readonly Option<DirectoryInfo?> Model = new("--model") { Description = "Model folder; by default the bundled captioner." };
    private static readonly Option<string[]> Devices = new("--device")
    {
        Description = "NAME[,MAXBATCH[,STREAMS[,FOLDER]]], such as cuda:0,256,2; several times, the fastest first.",
        Required = true,
    };

    private static readonly Option<int> Count = new("--count") { Description = "Images a round.", DefaultValueFactory = _ => 2000 };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds, alternating; the median counts.", DefaultValueFactory = _ => 5 };
    private static readonly Option<double> AtLeast = new("--at-least") { Description = "Exit code 1 below this ratio.", DefaultValueFactory = _ => 0.98 };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("devices", "Several devices together against the first of them alone.") { Model, Devices, Count, Rounds, AtLeast, Out };
        command.SetAction((result, _) => RunAsync(
            result.GetValue(Model)?.FullName ?? Path.Combine(Repository.Models, "demo-captioner"),
            result.GetRequiredValue(Devices), result.GetValue(Count), result.GetValue(Rounds), result.GetValue(AtLeast), result.GetValue(Out)));
        return command;
    }

    private static async Task<int> RunAsync(string model, string[] names, int count, int rounds, double atLeast, string? file)
    {
        using var report = new Report("Several devices in one worker", file);
        var devices = names.Select(RigDevice.Parse).ToList();
        using var alone = new DeviceRig(model, devices[..1]);
        using var together = new DeviceRig(model, devices);
        var images = await alone.PrepareAsync(Samples.Files);
        alone.Start(warm: true);
        together.Start(warm: true);
        var (one, all, same, rows) = (new List<double>(), new List<double>(), 0, 0);
        for (var round = -1; round < rounds; round++)
        {
            var first = await alone.RunAsync(images, count);
            var second = await together.RunAsync(images, count);

            // The first round warms up.
            if (round < 0)
                continue;
            one.Add(count / first.Seconds);
            all.Add(count / second.Seconds);
            same += first.Results.Zip(second.Results).Count(pair => pair.First == pair.Second);
            rows += count;
        }

        var ratio = Statistics.Median(all) / Statistics.Median(one);
        var shares = await together.ByDeviceAsync("vlworker_batch_size_sum");
        report.Line(string.Join('\n',
        [
            $"{Path.GetFileName(model)}, {count} images of samples/ a round, prepared beforehand; medians of {rounds} alternating rounds.",
            string.Empty,
            "| devices | images/s |",
            "|---|---|",
            FormattableString.Invariant($"| {devices[0].Options.Name} alone | {Statistics.Median(one):0.0} |"),
            FormattableString.Invariant($"| {string.Join(" and ", devices.Select(device => device.Options.Name))} | {Statistics.Median(all):0.0} |"),
            string.Empty,
            FormattableString.Invariant($"Together {ratio:0.00} times as fast. Every image was answered once, ")
                + FormattableString.Invariant($"{100d * same / rows:0.00} % with the very same result as alone."),
            $"Rows by device, the first round included: {string.Join(", ", shares.Select(share => $"{share.Key} {share.Value}"))}.",
        ]));
        return ratio >= atLeast ? 0 : 1;
    }
}
