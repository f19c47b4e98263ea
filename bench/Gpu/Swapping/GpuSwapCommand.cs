using System.CommandLine;
using VlWorker.Inference;
using VlWorker.Inference.Cuda;

namespace VlWorker.Bench.Gpu.Swapping;

/// <summary><c>gpu-swap</c>: models that are loaded on a GPU on demand: is everything answered, and does the memory come back?</summary>
internal static class GpuSwapCommand
{
    private static readonly Option<DirectoryInfo?> Model = new("--model")
    {
        Description = "Folder of a captioner of full size: config.json, preprocessor_config.json, map.json. Without it only the tests' tiny models are swapped.",
    };

    private static readonly Option<string> Where = new("--device") { Description = "cuda:0, cuda:1, ...; or cpu, for the tiny models.", DefaultValueFactory = _ => "cuda:0" };
    private static readonly Option<int> Batch = new("--batch") { Description = "Rows of a batch.", DefaultValueFactory = _ => 64 };
    private static readonly Option<int> Images = new("--images") { Description = "Images for the two captioners.", DefaultValueFactory = _ => 4000 };
    private static readonly Option<int> Cycles = new("--cycles") { Description = "Loads and unloads of each tiny model.", DefaultValueFactory = _ => 9 };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. Exit code 0 only if everything was answered and no more memory is in use after the later loads than after the first.</summary>
    public static Command Create()
    {
        var command = new Command("gpu-swap", "Models that are loaded on a GPU on demand: messages and memory.") { Model, Where, Batch, Images, Cycles, Out };
        command.SetAction((result, _) => RunAsync(
            result.GetValue(Model)?.FullName, DeviceName.Parse(result.GetRequiredValue(Where)), result.GetValue(Batch), result.GetValue(Images),
            result.GetValue(Cycles), result.GetValue(Out)));
        return command;
    }

    private static async Task<int> RunAsync(string? skeleton, DeviceName device, int batch, int images, int cycles, string? file)
    {
        using var report = new Report("Models that are loaded on a GPU on demand", file);
        if (device.Kind == DeviceKind.Cuda)
            Probe(device, report);
        var good = true;
        if (skeleton is not null)
        {
            using var folder = GpuWorkerFolder.Make(skeleton);
            var worker = new SwappingWorker(folder.Model, device, batch);
            report.Line($"A whole worker, two captioners of full size, fp16, batches of {batch}, 2 in flight, asked in turn, image by image.");
            var (together, first) = await worker.RunAsync(images, 0);
            report.Line(together);
            var (swapped, second) = await worker.RunAsync(images, (long)(1.5 * worker.BytesOfOne));
            report.Line(swapped);
            // Kernels' code and the libraries' memory, which the first run takes for all, stay.
            good = second - first < worker.BytesOfOne / 100;
            report.Line(FormattableString.Invariant($"One takes {worker.BytesOfOne / 1e6:0} MB, as measured at the start; after the second run no more is in use than after the first: {(good ? "yes" : "NO")}."));
        }

        var (table, level) = new FamilySwaps(device, batch, cycles).Run();
        report.Line(table);
        report.Line(FormattableString.Invariant($"Tiny models of the tests, each loaded {cycles} times, batches of {batch}. What is left stays level: {(level ? "yes" : "NO")}."));
        return good && level ? 0 : 1;
    }

    // The engine's probe, as at each start: what it leaves is there whatever is loaded.
    private static void Probe(DeviceName device, Report report)
    {
        if (CudaDevice.Problem(device) is { } problem)
            throw new InvalidOperationException(problem);
        using var context = new CudaContext(device.Index);
        report.Line($"{context.Name}. Megabytes are of its memory, as the driver counts them, all programs together.");
    }
}
