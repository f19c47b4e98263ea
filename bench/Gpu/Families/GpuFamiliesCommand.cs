using System.CommandLine;
using System.Diagnostics;
using VlWorker.Inference.Cuda;

namespace VlWorker.Bench.Gpu.Families;

/// <summary>Full-size models of the newer families on a GPU, against Hugging Face transformers in the same run.</summary>
internal static class GpuFamiliesCommand
{
    /// <summary>Where full-size models lie or are made.</summary>
    public static readonly Option<DirectoryInfo> Models = new("--models")
    {
        Description = "Folder for the models' checkpoints; those that are not there are made, of random weights.",
        Required = true,
    };

    private static readonly Option<string[]> Cases = new("--cases")
    {
        Description = "Which models.",
        DefaultValueFactory = _ => [.. FamilyCases.All.Select(one => one.Name).Distinct()],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int[]> Batches = new("--batches")
    {
        Description = "Batch sizes.",
        DefaultValueFactory = _ => [1, 64, 256],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int> Lanes = new("--lanes") { Description = "Batches in flight.", DefaultValueFactory = _ => 2 };
    private static readonly Option<int> Chunk = new("--encoder-chunk") { Description = "Images that go through an encoder at a time; 0 is what the engines take." };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds, alternating; the median counts.", DefaultValueFactory = _ => 3 };
    private static readonly Option<string> Python = new("--reference") { Description = "A Python with torch and transformers.", DefaultValueFactory = _ => "python3" };
    private static readonly Option<bool> Profile = new("--profile") { Description = "Runs the largest batch once, for `ncu --profile-from-start off`; nothing else." };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. Exit code 0 only if every figure is as it must be.</summary>
    public static Command Create()
    {
        var command = new Command("gpu-families", "Full-size BLIP, Florence-2 and SmolVLM of random weights on a GPU, against Hugging Face transformers.")
        {
            Models, Cases, Batches, Lanes, Chunk, Rounds, Python, Profile, Out,
        };
        command.SetAction(result =>
        {
            var models = result.GetRequiredValue(Models).FullName;
            FamilyCase[] cases = [.. FamilyCases.All.Where(one => result.GetValue(Cases)!.Contains(one.Name))];
            var settings = new CudaSettings(0, result.GetValue(Lanes), result.GetValue(Batches)!.Max())
            {
                RecordedBatches = result.GetValue(Batches)!,
                EncoderChunk = result.GetValue(Chunk),
            };
            var python = result.GetValue(Python)!;
            Make(python, models, cases.Select(static one => one.Name));
            return result.GetValue(Profile)
                ? RunOnce(models, cases, settings)
                : Run(models, cases, settings, result.GetValue(Rounds), python, result.GetValue(Out));
        });
        return command;
    }

    /// <summary>Makes checkpoints of random weights where they are missing.</summary>
    /// <param name="python">A Python with torch and transformers.</param>
    /// <param name="models">Folder of their folders.</param>
    /// <param name="names">The models.</param>
    public static void Make(string python, string models, IEnumerable<string> names)
    {
        string[] missing = [.. names.Distinct().Where(name => !File.Exists(Path.Combine(models, name, "config.json")))];
        if (missing.Length == 0)
            return;
        Directory.CreateDirectory(models);
        using var process = Process.Start(python, [ReferencePeer.Script("families.py"), "make", models, .. missing]);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException("the models could not be made; what Python said is above");
    }

    private static int Run(string models, IReadOnlyList<FamilyCase> cases, CudaSettings settings, int rounds, string python, string? file)
    {
        using var report = new Report("Full-size models of the newer families on a GPU", file);
        using var reference = ReferencePeer.Start(python, "families.py", "serve", models);
        using (var context = new CudaContext(settings.Device))
            report.Line($"{context.Name}, {context.Memory().Total >> 30} GiB. Reference: {reference.Versions}, fp16, its inputs on the GPU already.");
        report.Line($"Ours: fp16, from 8-bit images in the host's memory to tokens there; up to {settings.Lanes} batches in flight where images a second are stated. "
            + $"Medians of {rounds} rounds, taking turns.");
        var good = true;
        foreach (var one in cases)
        {
            try
            {
                good &= new FamilyRace(one, models, Limited(settings, one.Most), rounds, reference, report).Run();
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                // The other models' figures are worth having.
                report.Line($"{one.Title}: {error}");
                good = false;
            }
        }

        return good ? 0 : 1;
    }

    private static int RunOnce(string models, IReadOnlyList<FamilyCase> cases, CudaSettings settings)
    {
        foreach (var one in cases)
        {
            var most = Limited(settings, one.Most);
            using var engine = one.Load(Path.Combine(models, one.Name), most, one);
            var images = SyntheticImages.Make(most.MaxBatch, one.Side);
            // The first run chooses kernels.
            engine.Run(images);
            CudaProfiler.Run(() => engine.Run(images));
        }

        return 0;
    }

    private static CudaSettings Limited(CudaSettings settings, int most) => settings with
    {
        MaxBatch = Math.Min(settings.MaxBatch, most),
        RecordedBatches = [.. settings.RecordedBatches.Where(batch => batch <= most)],
    };
}
