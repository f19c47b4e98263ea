using System.CommandLine;
using VlWorker.Bench.Inference;
using VlWorker.Bench.Joining;
using VlWorker.Contracts;
using VlWorker.Demo;
using VlWorker.Inference;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Bench.Gpu.Joining;

/// <summary><c>gpu-chat-worker</c>: a whole worker with a chat model whose rows leave and join batches, from JPEG to published answer.</summary>
internal static class ChatWorkerCommand
{
    private const int Seed = 7;

    private static readonly Option<string> Where = new("--device") { Description = "cuda:0, cuda:1, ...; or cpu.", DefaultValueFactory = _ => "cuda:0" };
    private static readonly Option<int> Batch = new("--batch") { Description = "Rows of a batch.", DefaultValueFactory = _ => 64 };
    private static readonly Option<int> Images = new("--images") { Description = "Questions of a round.", DefaultValueFactory = _ => 3000 };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds; the median counts.", DefaultValueFactory = _ => 3 };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("gpu-chat-worker", "A whole worker with a chat model of full size, from JPEG to published answer.") { Where, Batch, Images, Rounds, Out };
        command.SetAction((result, _) => RunAsync(
            DeviceName.Parse(result.GetRequiredValue(Where)), result.GetValue(Batch), result.GetValue(Images), result.GetValue(Rounds), result.GetValue(Out)));
        return command;
    }

    private static async Task RunAsync(DeviceName device, int batch, int images, int rounds, string? file)
    {
        using var report = new Report("A whole worker with a chat model", file);
        var root = Directory.CreateTempSubdirectory("vlworker-bench-").FullName;
        try
        {
            var model = Path.Combine(root, "model");
            var (target, precision) = device.Kind == DeviceKind.Cuda ? (ConversionTarget.Cuda, ConversionPrecision.Fp16) : (ConversionTarget.Cpu, ConversionPrecision.Int8);
            FullSizeChat.Write(root, model, new ConversionOptions(target, precision));
            string[] settings =
            [
                $"--Inference:Devices:0:Name={device}", $"--Inference:Devices:0:MaxBatch={batch}", "--Inference:Devices:0:Streams=2",
                "--Inference:Models:0:Alias=chat", $"--Inference:Models:0:Folder={model}", "--Inference:Models:0:ImageSplitting=Off",
                $"--Batching:MaxBatch={batch}", $"--Consuming:BackfillPrefetch={8 * batch}", $"--Fetching:BytesInFlight={1 << 30}", $"--Decoding:PixelBudgetBytes={4L << 30}",
            ];
            await using var worker = await EmbeddedWorker.StartAsync(EmbeddedWorker.Options(settings, Repository.Samples), CancellationToken.None);
            await using var clients = await Clients.ConnectAsync(worker);
            var keys = Repository.Photos;
            var lengths = AnswerLengths.Spread.Make(images, Seed);
            var figures = new List<Throughput>();
            for (var round = 0; round <= rounds; round++)
            {
                var begun = Throughput.Start();
                await clients.AskAsync(images, 8 * batch, i => new DescribeImage
                {
                    Tasks = [Tasks.Answer],
                    Prompt = SampleRows.Question(Tasks.Answer),
                    Generation = new GenerationOptions { MaxNewTokens = lengths[i] },
                    Image = new ImageReference { Bucket = EmbeddedWorker.Bucket, Key = keys[i % keys.Length] },
                });
                // The first round takes memory.
                if (round > 0)
                    figures.Add(begun.Stop(images));
            }

            var median = Throughput.Median(figures);
            report.Line($"{device}; SmolVLM-256M's sizes, {precision}, random weights; a question about the JPEGs of samples/ in turn, of one frame each; answers "
                + $"{AnswerLengths.Spread.Name} tokens; batches of {batch}, 2 in flight; medians of {rounds} rounds of {images}.");
            report.Line(FormattableString.Invariant($"{median.PerSecond:0} answers/s, {median.Cpu:0.00} ms of a processor each."));
            report.Line($"Means, the first round included: {string.Join(", ", await StageTimes.ReadAsync(worker.Metrics))}.");
            var joined = (await StageTimes.TextAsync(worker.Metrics)).Sum("vlworker_batch_joined_rows_total");
            report.Line(FormattableString.Invariant($"{joined:0} of {(rounds + 1) * images} rows joined a batch that ran."));
        }
        finally
        {
            Directory.Delete(root, true);
        }
    }
}
