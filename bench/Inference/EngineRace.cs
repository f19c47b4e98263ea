using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using VlWorker.Bench.Pipeline;
using VlWorker.ModelKit;

namespace VlWorker.Bench.Inference;

/// <summary>Captions the samples in all ways, in turn: round by round, so that a busy moment of the machine hits all of them.</summary>
/// <param name="most">Images at most.</param>
internal sealed class EngineRace(int most) : IDisposable
{
    public const string TransformersJsName = "transformers.js";
    public const string PlainName = "plain ONNX Runtime loop";

    private readonly List<byte[]> _images = [.. Samples.Files.Take(most).Select(File.ReadAllBytes)];
    private readonly List<string?> _truth = [.. Samples.Files.Take(most).Select(Truth().GetValueOrDefault)];
    private readonly List<Contestant> _contestants = [];
    private readonly List<IDisposable> _owned = [];
    private int _rounds;

    /// <summary>The worker's decoder, batcher and engine.</summary>
    public void AddEngine(string name, string folder, ModelPrecision precision, int batch, int threads)
    {
        var engine = Own(new EngineAlone(folder, batch, threads, precision));
        // Two batches for each stream: one runs, the next one fills.
        var inFlight = batch == 1 ? Environment.ProcessorCount : 2 * batch * Environment.ProcessorCount;
        _contestants.Add(new Contestant(name, batch, () => MeasureAsync(() => engine.CaptionAllAsync(_images, inFlight))));
    }

    /// <summary>transformers.js, in a process of its own, with as many threads as there are cores.</summary>
    public void AddTransformersJs(string folder, IReadOnlyList<int> batches)
    {
        var peer = Own(TransformersJs.Start(folder, Repository.Samples, batches, _images.Count));
        foreach (var batch in batches)
        {
            _contestants.Add(new Contestant($"{TransformersJsName} {peer.Version}", batch, () =>
            {
                var (perSecond, correct) = peer.Round(batch);
                return Task.FromResult(new RoundFigure(perSecond, null, null, correct));
            }));
        }
    }

    /// <summary>The loop that one writes with ONNX Runtime's package, with as many threads as there are cores.</summary>
    public void AddPlain(string folder, IReadOnlyList<int> batches)
    {
        var loop = Own(new PlainOnnxLoop(folder, Environment.ProcessorCount));
        foreach (var batch in batches)
            _contestants.Add(new Contestant(PlainName, batch, () => MeasureAsync(() => Task.Run(() => loop.Run(_images, batch)))));
    }

    /// <summary>One round of everything to warm up, then those that count.</summary>
    public async Task RunAsync(int rounds)
    {
        _rounds = rounds;
        for (var round = -1; round < rounds; round++)
        {
            foreach (var contestant in _contestants)
            {
                var figure = await contestant.RoundAsync();
                if (round >= 0)
                    contestant.Figures.Add(figure);
            }
        }
    }

    /// <summary>A Markdown table of all.</summary>
    public string Table() => string.Join('\n',
    [
        $"{_images.Count} images of samples/, decoding and text included; medians of {_rounds} rounds, taking turns.",
        string.Empty,
        "| what | batch | images/s | processor time an image | allocated an image | captions equal to the truth |",
        "|---|---|---|---|---|---|",
        .. _contestants.Select(contestant => FormattableString.Invariant(
            $"| {contestant.Name} | {contestant.Batch} | {contestant.PerSecond:0.0} | {Text(contestant, static f => f.CpuMs, "0.0 ms")} | {Text(contestant, static f => f.Kilobytes, "0.0 KiB")} | {Text(contestant, static f => f.Correct, "0")} |")),
    ]);

    /// <summary>The first engine's best against a peer's best. Returns whether it is good enough.</summary>
    public bool Compare(Report report, string peer, double? least)
    {
        var ours = Best(contestant => contestant.Name == _contestants[0].Name);
        var theirs = Best(contestant => contestant.Name.StartsWith(peer, StringComparison.Ordinal));
        var ratio = ours.PerSecond / theirs.PerSecond;
        report.Line(FormattableString.Invariant(
            $"{ours.Name} at batch {ours.Batch} against {theirs.Name} at batch {theirs.Batch}: {ours.PerSecond:0.0} / {theirs.PerSecond:0.0} = {ratio:0.00}")
            + (least is null ? "." : FormattableString.Invariant($" (must be {least:0.0##}).")));
        return least is null || ratio >= least;
    }

    public void Dispose() => _owned.ForEach(static item => item.Dispose());

    private T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }

    private Contestant Best(Func<Contestant, bool> which) => _contestants.Where(which).MaxBy(static contestant => contestant.PerSecond)!;

    private async Task<RoundFigure> MeasureAsync(Func<Task<(double Seconds, List<string> Captions)>> run)
    {
        var clock = Throughput.Start();
        var (_, captions) = await run();
        var (perSecond, cpu, allocated) = clock.Stop(_images.Count);
        return new RoundFigure(
            perSecond,
            cpu,
            allocated,
            captions.TrueForAll(static caption => caption.Length == 0) ? null : captions.Where((caption, i) => caption == _truth[i]).Count());
    }

    private static string Text(Contestant contestant, Func<RoundFigure, double?> value, string form) =>
        contestant.Median(value)?.ToString(form, CultureInfo.InvariantCulture) ?? "-";

    private static Dictionary<string, string?> Truth()
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Samples, "truth.json")));
        return json.RootElement.EnumerateArray().ToDictionary(
            static entry => Path.Combine(Repository.Samples, entry.GetProperty("file").GetString()!), static entry => entry.GetProperty("caption").GetString());
    }
}
