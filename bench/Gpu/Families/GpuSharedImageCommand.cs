using System.CommandLine;
using System.Globalization;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;

namespace VlWorker.Bench.Gpu.Families;

/// <summary><c>gpu-shared-image</c>: several rows about one image in a batch on a GPU, against as many about as many images.</summary>
internal static class GpuSharedImageCommand
{
    // A tower rounds a batch of another size in another way, and logits of random weights lie close together.
    private const double LeastEqual = 0.99;

    private static readonly int[] RowsOfAnImage = [1, 2, 4, 8];

    private static readonly Option<int> Batch = new("--batch") { Description = "Rows of a batch.", DefaultValueFactory = _ => 64 };
    private static readonly Option<int> Lanes = new("--lanes") { Description = "Batches in flight.", DefaultValueFactory = _ => 2 };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds, taking turns; the median counts.", DefaultValueFactory = _ => 3 };
    private static readonly Option<string> Python = new("--reference") { Description = "A Python with torch and transformers, which makes models.", DefaultValueFactory = _ => "python3" };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command. Exit code 0 only if answers stay the same.</summary>
    public static Command Create()
    {
        var command = new Command("gpu-shared-image", "Several rows about one image in a batch on a GPU: Florence-2 and SmolVLM of random weights.") { GpuFamiliesCommand.Models, Batch, Lanes, Rounds, Python, Out };
        command.SetAction(result => Run(
            result.GetRequiredValue(GpuFamiliesCommand.Models).FullName, new CudaSettings(0, result.GetValue(Lanes), result.GetValue(Batch)), result.GetValue(Rounds),
            result.GetValue(Python)!, result.GetValue(Out)));
        return command;
    }

    private static int Run(string models, CudaSettings settings, int rounds, string python, string? file)
    {
        FamilyCase[] cases = [FlorenceCase.Greedy, ChatCase.Whole];
        GpuFamiliesCommand.Make(python, models, cases.Select(static one => one.Name));
        using var report = new Report("Several rows about one image on a GPU", file);
        using (var context = new CudaContext(settings.Device))
            report.Line($"{context.Name}. fp16, batches of {settings.MaxBatch} rows, up to {settings.Lanes} in flight, from 8-bit images in the host's memory to tokens there; medians of {rounds} rounds, taking turns.");
        var good = true;
        foreach (var one in cases)
            good &= Run(one, Path.Combine(models, one.Name), settings with { RecordedBatches = [1, 2, 4, 8, 16, 32, settings.MaxBatch] }, rounds, report);
        return good ? 0 : 1;
    }

    private static bool Run(FamilyCase one, string folder, CudaSettings settings, int rounds, Report report)
    {
        using var engine = one.Load(folder, settings, one);
        var (apart, shared) = (SyntheticImages.Make(settings.MaxBatch, one.Side), SyntheticImages.Make(settings.MaxBatch, one.Side, shared: true));
        PreparedPixels[] Rows(PreparedPixels[] images, int each) => [.. Enumerable.Range(0, settings.MaxBatch).Select(row => images[row / each])];
        var times = RowsOfAnImage.ToDictionary(static each => each, static _ => (Apart: new List<double>(), Shared: new List<double>()));
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var each in RowsOfAnImage)
            {
                var took = (Apart: Time(Rows(apart, each)), Shared: Time(Rows(shared, each)));
                // The first round takes memory and chooses kernels.
                if (round == 0)
                    continue;
                times[each].Apart.Add(took.Apart);
                times[each].Shared.Add(took.Shared);
            }
        }

        var same = RowsOfAnImage.ToDictionary(static each => each, each => TokenAgreement.Of(Answers(Rows(shared, each)), Answers(Rows(apart, each))));
        report.Line($"## {one.Title}");
        report.Line($"| rows about each image | encoded for each row, ms a batch | encoded once, ms a batch | times faster | equal (must be {LeastEqual}) |\n|---|---|---|---|---|\n"
            + string.Join('\n', RowsOfAnImage.Select(each => Line(each, Statistics.Median(times[each].Apart), Statistics.Median(times[each].Shared)))));
        return same.Values.All(static found => found.Share >= LeastEqual);

        double Time(PreparedPixels[] images) => GpuClock.Throughput(() => engine.Run(images), settings.Lanes, 4);
        int[][] Answers(PreparedPixels[] images) => [.. engine.Run(images).Select(static found => found.Tokens)];
        string Line(int each, double first, double second) =>
            string.Create(CultureInfo.InvariantCulture, $"| {each} | {first:0.0} | {second:0.0} | {first / second:0.00} | {same[each]} |");
    }
}
