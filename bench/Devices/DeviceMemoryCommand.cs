using System.CommandLine;
using VlWorker.Bench.Pipeline;
using VlWorker.Inference;

namespace VlWorker.Bench.Devices;

/// <summary>A device without enough memory for its batches: everything is answered, in smaller ones.</summary>
internal static class DeviceMemoryCommand
{
    private const double Gibibyte = 1L << 30;

    private static readonly Option<DirectoryInfo?> Model = new("--model") { Description = "Model folder; by default the bundled captioner." };
    private static readonly Option<string> Device = new("--device") { Description = "NAME,MAXBATCH[,STREAMS[,FOLDER]]: a MaxBatch that can't fit.", Required = true };
    private static readonly Option<double> Leave = new("--leave") { Description = "GiB of the GPU's memory that are left free while all other is held." };
    private static readonly Option<bool> Late = new("--late")
    {
        Description = "Holds the memory after the models are loaded, and warms nothing up: the first batches of the load find out. Otherwise before, so that the warm-up does.",
    };

    private static readonly Option<int> Count = new("--count") { Description = "Images.", DefaultValueFactory = _ => 4000 };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("device-memory", "Batches that do not fit into a device's memory: nothing is lost, and they become smaller.") { Model, Device, Leave, Late, Count, Out };
        command.SetAction((result, _) => RunAsync(
            result.GetValue(Model)?.FullName ?? Path.Combine(Repository.Models, "demo-captioner"),
            RigDevice.Parse(result.GetRequiredValue(Device)), result.GetValue(Leave), result.GetValue(Late), result.GetValue(Count), result.GetValue(Out)));
        return command;
    }

    private static async Task<int> RunAsync(string model, RigDevice device, double leave, bool late, int count, string? file)
    {
        using var report = new Report("A device without enough memory", file);
        var (images, expected) = await ReferenceAsync(model, device);
        var hold = late ? null : Hold(device.Options, leave);
        using var rig = new DeviceRig(model, [device]);
        hold ??= Hold(device.Options, leave);
        using (hold)
        {
            rig.Start(warm: !late);
            var (seconds, results) = await rig.RunAsync(images, count);
            var same = results.Where((result, i) => result == expected[i % expected.Length]).Count();
            var refused = (await rig.ByDeviceAsync("vlworker_out_of_memory_total")).GetValueOrDefault(device.Options.Name);
            var limit = (await rig.ByDeviceAsync("vlworker_batch_limit_rows")).GetValueOrDefault(device.Options.Name);
            report.Line(string.Join('\n',
            [
                FormattableString.Invariant($"{Path.GetFileName(model)} on {device.Options.Name}, MaxBatch {device.Options.MaxBatch}, {count} images; ")
                    + $"memory held {(late ? "after" : "before")} loading.",
                string.Empty,
                "| free memory when the load began | batches refused under load | largest batch at the end | images/s | answered | result as in batches of 16 |",
                "|---|---|---|---|---|---|",
                FormattableString.Invariant($"| {hold?.Free() / Gibibyte:0.0} GiB | {refused} | {limit} | {count / seconds:0.0} ")
                    + FormattableString.Invariant($"| {results.Length} of {count} | {100d * same / count:0.00} % |"),
            ]));
            return limit < device.Options.MaxBatch || leave == 0 ? 0 : 1;
        }
    }

    /// <summary>The images as the model takes them, and their results in small batches with all the memory.</summary>
    private static async Task<(IReadOnlyList<byte[]> Images, string[] Results)> ReferenceAsync(string model, RigDevice device)
    {
        using var rig = new DeviceRig(model, [device with { Options = device.Options with { MaxBatch = 16 } }]);
        var images = await rig.PrepareAsync(Samples.Files);
        rig.Start(warm: false);
        return (images, (await rig.RunAsync(images, images.Count)).Results);
    }

    private static DeviceMemoryHold? Hold(DeviceOptions device, double leave) =>
        leave > 0 ? new DeviceMemoryHold(DeviceName.Parse(device.Name).Index, (long)(leave * Gibibyte)) : null;
}
