using System.CommandLine;
using System.Diagnostics;
using SkiaSharp;
using Spectre.Console;
using VlWorker.Contracts;

namespace VlWorker.Bench.Pipeline;

/// <summary><c>memory</c>: resident memory of a worker over many images, and under many huge ones.</summary>
internal static class MemoryCommand
{
    private const int Step = 500;

    public static Command Create()
    {
        var images = new Option<int>("--images") { DefaultValueFactory = _ => 20_000, Description = "Samples to send through the worker." };
        var huge = new Option<int>("--huge") { DefaultValueFactory = _ => 500, Description = "Images of 40 megapixels to send through another worker." };
        var prefetch = new Option<int>("--prefetch") { DefaultValueFactory = _ => 512, Description = "Prefetch for the huge images." };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command("memory", "Resident memory of a worker on a real broker and store.") { images, huge, prefetch, output };
        command.SetAction(async (result, _) =>
        {
            using var services = Services.Start();
            using var report = new Report("Memory", result.GetValue(output));
            if (result.GetValue(images) > 0)
                await SteadyAsync(services, result.GetValue(images), report);
            if (result.GetValue(huge) > 0)
                await HugeAsync(services, result.GetValue(huge), result.GetValue(prefetch), report);
        });
        return command;
    }

    private static async Task SteadyAsync(Services services, int images, Report report)
    {
        using var bucket = new Bucket(services);
        await bucket.CreateAsync();
        var keys = await Samples.UploadAsync(bucket);
        using var worker = await WorkerUnderTest.StartAsync(services, bucket.Name);
        await using var load = await Load.ConnectAsync(services.Broker);
        var points = new List<(double Images, double Megabytes)>();
        for (var done = 0; done < images; done += Step)
        {
            await load.PublishAsync(bucket.Name, keys, Step, Tasks.All, Topology.BackfillRoutingKey);
            await load.AwaitAsync(Step, TimeSpan.FromMinutes(5));
            points.Add((done + Step, worker.ResidentMegabytes));
            AnsiConsole.WriteLine($"{done + Step,6} images  {points[^1].Megabytes:F1} MB");
        }

        var steady = points.Where(point => point.Images > 2000).ToList();
        var slope = steady.Count > 1 ? Slope(steady) * 1000 : double.NaN;
        report.Line($"{images} images, caption and embedding, default settings: resident memory after 2,000 images {points.First(p => p.Images >= Math.Min(2000, images)).Megabytes:F0} MB, at the end {points[^1].Megabytes:F0} MB, peak {worker.PeakMegabytes:F0} MB; slope after the first 2,000: {slope:F3} MB per 1,000 images");
    }

    private static async Task HugeAsync(Services services, int images, int prefetch, Report report)
    {
        using var bucket = new Bucket(services);
        await bucket.CreateAsync();
        await bucket.PutAsync("huge.jpg", FortyMegapixels());
        using var worker = await WorkerUnderTest.StartAsync(
            services, bucket.Name, $"--Consuming:BackfillPrefetch={prefetch}");
        await using var load = await Load.ConnectAsync(services.Broker);
        var before = worker.ResidentMegabytes;
        var clock = Stopwatch.StartNew();
        await load.PublishAsync(bucket.Name, ["huge.jpg"], images, Tasks.All, Topology.BackfillRoutingKey);
        await load.AwaitAsync(images, TimeSpan.FromMinutes(10));
        var budget = new VlWorker.Decoding.DecodingOptions();
        report.Line($"{images} images of 40 megapixels at prefetch {prefetch}: {before:F0} MB before, peak {worker.PeakMegabytes:F0} MB, {images / clock.Elapsed.TotalSeconds:F1} images/s; budgets: {budget.PixelBudgetBytes / 1e6:F0} MB of pixels, {new VlWorker.Fetching.FetchingOptions().BytesInFlight / 1e6:F0} MB of encoded bytes");
    }

    private static byte[] FortyMegapixels()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(8000, 5000, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(bitmap))
        using (var paint = new SKPaint())
        {
            for (var i = 0; i < 400; i++)
            {
                paint.Color = SKColor.FromHsl(i * 37 % 360, 80, 50);
                canvas.DrawCircle(i * 733 % 8000, i * 397 % 5000, 100 + (i * 13 % 400), paint);
            }
        }

        using var data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 85);
        return data.ToArray();
    }

    private static double Slope(List<(double X, double Y)> points)
    {
        var (meanX, meanY) = (points.Average(point => point.X), points.Average(point => point.Y));
        return points.Sum(p => (p.X - meanX) * (p.Y - meanY)) / points.Sum(p => (p.X - meanX) * (p.X - meanX));
    }
}
