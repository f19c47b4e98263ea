using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.ModelKit;

namespace VlWorker.Bench.Inference;

/// <summary>Captions against those of transformers, or against the truth.</summary>
internal static class CaptionFidelity
{
    private const int Batch = 16;

    /// <summary>Every case alone, and all in batches that mix images and parameters. Returns rows of a Markdown table.</summary>
    public static IReadOnlyList<string> Compare(string what, string folder, ModelPrecision precision, DemoGolden golden, out bool good)
    {
        using var model = ModelLoader.Load("captioner", folder, new ModelOptions { Precision = precision });
        return Compare(model, what, golden, out good);
    }

    /// <summary>The same for a model that is loaded; stays the caller's.</summary>
    public static IReadOnlyList<string> Compare(IModel model, string what, DemoGolden golden, out bool good)
    {
        var alone = new Tally();
        foreach (var caption in golden.Captions)
            alone.Add(caption, Run(model, golden, [caption])[0]);
        var mixed = new Tally();
        var random = new Random(1);
        foreach (var part in golden.Captions.OrderBy(_ => random.Next()).Chunk(Batch))
        {
            foreach (var (caption, outcome) in part.Zip(Run(model, golden, part)))
                mixed.Add(caption, outcome);
        }

        good = alone.Good && mixed.Good;
        return [.. alone.Rows($"{what} captions, each alone"), .. mixed.Rows($"{what} captions, mixed batches of {Batch}")];
    }

    /// <summary>Captions of images whose truth is known. Returns rows of a Markdown table.</summary>
    public static IReadOnlyList<string> Truth(string what, string folder, ModelPrecision precision, string samples, out bool good)
    {
        using var model = ModelLoader.Load("captioner", folder, new ModelOptions { Precision = precision });
        return Truth(model, what, samples, out good);
    }

    /// <summary>The same for a model that is loaded; stays the caller's.</summary>
    public static IReadOnlyList<string> Truth(IModel model, string what, string samples, out bool good)
    {
        using var decoder = new ImageDecoder(new DecodingOptions());
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(samples, "truth.json")));
        var truth = json.RootElement.EnumerateArray().Select(entry => (File: entry.GetProperty("file").GetString()!, Caption: entry.GetProperty("caption").GetString()!)).ToList();
        var right = 0;
        foreach (var part in truth.Chunk(Batch))
        {
            var rows = part.Select(sample => new ImageInput(
                Tasks.Caption,
                decoder.DecodeAsync(File.ReadAllBytes(Path.Combine(samples, sample.File)), [model.Images!.Resize], default).GetAwaiter().GetResult().Prepared[0],
                model.Resolve(null))).ToList();
            var outcomes = model.Run(rows, CancellationToken.None);
            right += part.Where((sample, i) => ((CaptionOutcome)outcomes[i]).Sequences[0].Text == sample.Caption).Count();
            rows.ForEach(row => row.Dispose());
        }

        // Two of a hundred: what quantising may cost.
        var needed = truth.Count - (truth.Count / 48);
        good = right >= needed;
        return [$"| {what} captions of the samples equal to the truth | {right} of {truth.Count} | {needed} |"];
    }

    private static IReadOnlyList<InferenceOutcome> Run(IModel model, DemoGolden golden, IReadOnlyList<DemoCaption> captions) => model.Run(
        [.. captions.Select(caption => new ImageInput(Tasks.Caption, golden.Prepare(caption.Image, model), caption.Parameters))], CancellationToken.None);

    /// <summary>What was equal.</summary>
    private sealed class Tally
    {
        private int _cases;
        private int _sequences;
        private int _equal;
        private int _scored;
        private double _deviation;

        public bool Good => _equal == _sequences && _deviation <= 1e-3;

        public void Add(DemoCaption golden, InferenceOutcome outcome)
        {
            _cases++;
            var found = ((CaptionOutcome)outcome).Sequences;
            for (var i = 0; i < golden.Sequences.Count; i++, _sequences++)
            {
                var expected = golden.Sequences[i];
                if (i >= found.Count || !found[i].TokenIds.SequenceEqual(expected.Tokens) || found[i].Text != expected.Text)
                    continue;
                _equal++;
                if (expected.Score is not { } score)
                    continue;
                _scored++;
                _deviation = Math.Max(_deviation, Math.Abs(score - found[i].Score));
            }
        }

        public IEnumerable<string> Rows(string what) =>
        [
            $"| {what}: sequences of {_cases} cases with equal tokens and text | {_equal} of {_sequences} | all |",
            FormattableString.Invariant($"| {what}: greatest deviation of {_scored} beam scores | {_deviation:0.0e+0} | 1e-3 |"),
        ];
    }
}
