using System.Globalization;
using System.Numerics.Tensors;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit.Conversion;
using VlWorker.Worker.Tests.Fixtures;
using VlWorker.Worker.Tests.Inference;

namespace VlWorker.Bench.Gpu;

/// <summary>Every golden case of a tiny model of the tests on a device, alone and in one batch, against what transformers gives.</summary>
/// <param name="fixture">The model.</param>
/// <param name="device">Where it runs.</param>
/// <param name="precision">What it is converted to; what 16 bits make of captions is told, not judged.</param>
internal sealed class FixtureFidelity(string fixture, DeviceName device, ConversionPrecision precision)
{
    private const int Told = 5;

    private readonly List<string> _rows = [];
    private readonly List<string> _faults = [];

    private bool Exact => precision == ConversionPrecision.Fp32;

    /// <summary>Runs it; faults of any kind are told, so that one run shows those of all models.</summary>
    /// <returns>Rows of a Markdown table, what was wrong with single cases, and whether all is as it must be.</returns>
    public (IReadOnlyList<string> Rows, IReadOnlyList<string> Faults, bool Good) Run()
    {
        var good = false;
        try
        {
            var folder = FixtureArchive.Extract(fixture);
            using var golden = new GoldenCases(folder);
            using var model = ConvertedFolder.Load(folder, device, precision, 32);
            good = model.Tasks.Contains(Tasks.Embedding) ? Embeddings(model, golden) : Captions(model, golden);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            Add("runs", $"{error.GetType().Name}: {error.Message.ReplaceLineEndings(" ")}", "yes");
        }

        return (_rows, _faults, good);
    }

    private bool Captions(IModel model, GoldenCases golden)
    {
        var rows = golden.Captions.Select(caption => new ImageInput(model.Tasks[0], golden.Pixels(caption.Image), caption.Parameters, caption.Prompt)).ToList();
        var alone = Equal("alone", golden.Captions, [.. rows.Select(row => model.Run([row], CancellationToken.None)[0])]);
        var together = Equal("in one batch", golden.Captions, model.Run(rows, CancellationToken.None));
        return !Exact || (alone && together);
    }

    private bool Equal(string how, IReadOnlyList<GoldenCaption> captions, IReadOnlyList<InferenceOutcome> outcomes)
    {
        var (equal, deviation) = (0, 0d);
        for (var i = 0; i < captions.Count; i++)
        {
            if (Fault(captions[i], outcomes[i], ref deviation) is not { } fault)
                equal++;
            else if (_faults.Count < Told)
                _faults.Add($"{fixture} {precision}, {how}, case {captions[i].Id} ({captions[i].Image}, {captions[i].Parameters}, prompt {captions[i].Prompt ?? "none"}): {fault}");
        }

        Add($"captions with the same tokens, {how}", $"{equal} of {captions.Count}", Exact ? "all" : "-");
        Add($"greatest deviation of their scores, {how}", deviation.ToString("0.0e+0", CultureInfo.InvariantCulture), Exact ? "1e-3" : "-");
        return equal == captions.Count && deviation <= 1e-3;
    }

    private static string? Fault(GoldenCaption golden, InferenceOutcome outcome, ref double deviation)
    {
        if (outcome is not CaptionOutcome { Sequences: var found })
            return outcome is FailedOutcome { Error: var error } ? $"{error.GetType().Name}: {error.Message}" : $"a {outcome.GetType().Name}";
        var difference = Difference(golden.Tokens, found[0].TokenIds);
        if (difference is null)
            deviation = Math.Max(deviation, Math.Abs(golden.Score - found[0].Score) / Math.Max(1, Math.Abs(golden.Score)));
        // What follows the second sequence's end is padding.
        return difference ?? (golden.SecondTokens is { } second && found.Count > 1
            ? Difference(second[..Math.Min(second.Length, found[1].TokenIds.Count)], found[1].TokenIds) is { } other ? $"second sequence: {other}" : null : null);
    }

    private static string? Difference(IReadOnlyList<int> golden, IReadOnlyList<int> found)
    {
        var same = golden.Zip(found).TakeWhile(pair => pair.First == pair.Second).Count();
        string At(IReadOnlyList<int> tokens) => same < tokens.Count ? tokens[same].ToString(CultureInfo.InvariantCulture) : "nothing";
        return same == golden.Count && same == found.Count ? null : $"at token {same} transformers has {At(golden)}, here is {At(found)}";
    }

    private bool Embeddings(IModel model, GoldenCases golden)
    {
        var good = Cosines("images", model, golden,
            [.. golden.Images.Select(image => new ImageInput(Tasks.Embedding, golden.Pixels(image), null))], [.. golden.Images.Select(image => $"image_embeds.{image}")]);
        if (!model.EmbedsText)
            return good;
        return Cosines("texts", model, golden,
            [.. golden.Texts.Select(text => new TextInput(new TokenizedText(text.Ids, false)))], [.. golden.Texts.Select(text => $"text_embeds.{text.Number}")]) && good;
    }

    private bool Cosines(string what, IModel model, GoldenCases golden, IReadOnlyList<InferenceInput> rows, IReadOnlyList<string> names)
    {
        double Lowest(Func<int, InferenceOutcome> outcome) => rows.Select((_, i) => outcome(i) is EmbeddingOutcome { Values: var values }
            ? TensorPrimitives.CosineSimilarity(values, golden.Tensors[names[i]].Values) : double.NaN).Min();
        var all = model.Run(rows, CancellationToken.None);
        var (alone, together) = (Lowest(i => model.Run([rows[i]], CancellationToken.None)[0]), Lowest(i => all[i]));
        var needed = Exact ? 0.9999 : 0.999;
        Add($"embeddings of {rows.Count} {what}: lowest cosine, alone / one batch", FormattableString.Invariant($"{alone:0.000000} / {together:0.000000}"), $"{needed}");
        return alone >= needed && together >= needed;
    }

    private void Add(string what, string result, string needed) => _rows.Add($"| {fixture} {precision}: {what} | {result} | {needed} |");
}
