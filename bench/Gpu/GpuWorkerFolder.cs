using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Demo;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Bench.Gpu;

/// <summary>A full-size captioner's folder and the images, in memory as far as the system lets a folder be; and what is measured with them.</summary>
internal sealed class GpuWorkerFolder : IDisposable
{
    private const int Tokens = 16;
    private readonly string _root;
    private readonly string[] _keys;

    private GpuWorkerFolder(string root, string[] keys) => (_root, _keys) = (root, keys);

    /// <summary>The captioner's folder.</summary>
    public string Model => Path.Combine(_root, "model");

    private string Images => Path.Combine(_root, "images");

    /// <summary>Makes the folder. Random weights need a vocabulary all the same: GPT-2's, from a fixture.</summary>
    public static GpuWorkerFolder Make(string skeleton)
    {
        var root = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"vl-bench-{Environment.ProcessId}");
        var folder = new GpuWorkerFolder(root, Repository.Photos);
        Directory.CreateDirectory(folder.Images);
        foreach (var key in folder._keys)
            File.Copy(Path.Combine(Repository.Samples, key), Path.Combine(folder.Images, key));
        WriteModel(skeleton, folder.Model);
        return folder;
    }

    /// <summary>Writes a captioner's folder of captions of 16 tokens: for CUDA in 16-bit floats, or for the processor in 8-bit integers.</summary>
    public static void WriteModel(string skeleton, string target, bool cpu = false)
    {
        using var seeded = new SeededModel(skeleton);
        var (kind, precision, layout) = cpu ? ("cpu", "int8", CpuLayout.Name) : ("cuda", "fp16", CudaLayout.Name);
        var manifest = new ModelManifest(
            "bench", "vision-encoder-decoder", kind, precision, layout, new ModelSource("seed", "", []), [], new Dictionary<string, string>());
        var normalization = PreprocessorConfig.Load(skeleton).Normalization;
        OptimizedFolder.Write(skeleton, target, manifest, cpu
            ? CpuModels.Build(seeded.Load(), normalization, CpuPrecision.Int8)
            : CudaModels.Build(seeded.Load(), normalization, ElementType.Float16));
        File.Copy(Path.Combine(FixtureArchive.Extract("vit-gpt2-tiny"), "tokenizer.json"), Path.Combine(target, "tokenizer.json"), true);
        File.WriteAllText(Path.Combine(target, ModelFolder.GenerationConfigFile), string.Create(CultureInfo.InvariantCulture, $$"""
            { "bos_token_id": 50256, "eos_token_id": 50256, "pad_token_id": 50256, "decoder_start_token_id": 50256, "max_length": {{1 + Tokens}} }
            """));
    }

    /// <summary>What decoding and resizing reach on all cores.</summary>
    public async Task<List<Throughput>> DecodeAsync(int count, int rounds)
    {
        var plan = PreprocessorConfig.Load(Model).Resize;
        var files = _keys.Select(key => File.ReadAllBytes(Path.Combine(Images, key))).ToArray();
        using var decoder = new ImageDecoder(new DecodingOptions());
        var figures = new List<Throughput>();
        for (var round = 0; round <= rounds; round++)
        {
            var started = Throughput.Start();
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 4 * Environment.ProcessorCount }, async (i, cancellation) =>
            {
                var decoded = await decoder.DecodeAsync(files[i % files.Length], [plan], cancellation);
                decoded.Prepared[0].Dispose();
            });
            if (round > 0)
                figures.Add(started.Stop(count));
        }

        return figures;
    }

    /// <summary>What the model reaches alone, with prepared images.</summary>
    public List<Throughput> Engine(int streams, int batch, int images, int rounds)
    {
        var folder = ModelFolder.Open(Model);
        using var model = ModelLoader.Load(
            new ModelReference { Alias = "captioner", Revision = "0" }, folder, new ModelOptions(), new DeviceSpec(new DeviceName(DeviceKind.Cuda, 0), streams, batch));
        using var decoder = new ImageDecoder(new DecodingOptions());
        var pixels = _keys.Select(key => decoder.DecodeAsync(File.ReadAllBytes(Path.Combine(Images, key)), [model.Images!.Resize], default)
            .GetAwaiter().GetResult().Prepared[0]).ToArray();
        InferenceInput[] rows = [.. Enumerable.Range(0, batch).Select(i => new ImageInput(Tasks.Caption, pixels[i % pixels.Length], model.Resolve(null)))];
        var figures = new List<Throughput>();
        for (var round = 0; round < rounds; round++)
        {
            var started = Throughput.Start();
            var milliseconds = GpuClock.Throughput(() => model.Run(rows, CancellationToken.None), streams, images / batch);
            figures.Add(started.Stop(images) with { PerSecond = batch / milliseconds * 1000 });
        }

        foreach (var image in pixels)
            image.Dispose();
        return figures;
    }

    /// <summary>What a worker reaches, from the message with the image's key to the published result.</summary>
    /// <exception cref="NoAnswerException">An image got neither a result nor a rejection.</exception>
    public async Task<List<Throughput>> WorkerAsync(string[] devices, int streams, int batch, int images, int rounds, List<string> stages)
    {
        // For each stream: a batch runs, the next one is ready, a third is being decoded.
        var underWay = 3 * streams * batch * devices.Length;
        string[] settings =
        [
            .. devices.SelectMany((device, i) => new[] { $"--Inference:Devices:{i}:Name={device}", $"--Inference:Devices:{i}:MaxBatch={batch}", $"--Inference:Devices:{i}:Streams={streams}" }),
            "--Inference:Models:0:Alias=captioner", $"--Inference:Models:0:Folder={Model}",
            $"--Batching:MaxBatch={batch}", $"--Consuming:BackfillPrefetch={underWay}", $"--Consuming:InteractivePrefetch={batch}", $"--Consuming:TextPrefetch={batch}",
            $"--Fetching:BytesInFlight={1 << 30}", $"--Decoding:PixelBudgetBytes={4L << 30}",
        ];
        await using var worker = await EmbeddedWorker.StartAsync(EmbeddedWorker.Options(settings, Images), CancellationToken.None);

        // A subscription hands its results on one after another: several clients, each with a job of its own, or they would be what is measured.
        await using var clients = await Clients.ConnectAsync(worker);
        var figures = new List<Throughput>();
        for (var round = 0; round <= rounds; round++)
        {
            var begun = Throughput.Start();
            await clients.AskAsync(images, underWay, i => new DescribeImage
            {
                Tasks = [Tasks.Caption],
                Image = new ImageReference { Bucket = EmbeddedWorker.Bucket, Key = _keys[i % _keys.Length] },
            });
            if (round > 0)
                figures.Add(begun.Stop(images));
        }

        stages.AddRange(await StageTimes.ReadAsync(worker.Metrics));
        return figures;
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_root, true);
}
