using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.Bench.Gpu;

/// <summary>
/// Tokens against those of 32-bit floats, ours and the reference's. Logits of random weights lie close together, so a 16-bit model may differ here
/// and there; from a row's first difference on it goes another way, and is not compared any more.
/// </summary>
internal sealed class CaptionCheck(string folder, PreparedPixels[] images, ReferencePeer? reference, Report report)
{
    private const int Count = 64;
    private const double LeastEqual = 0.97;

    /// <summary>Compares; false if too much differs.</summary>
    public bool Run(CudaCaptionEngine engine, CudaSettings settings, int tokens)
    {
        PreparedPixels[] some = images[..Count];
        var lines = new List<string> { "| tokens | rows equal | next tokens equal, given equal history | greatest score difference |", "|---|---|---|---|" };
        var good = true;
        using var exact = CudaCaptionEngine.Load(
            FullSizeModels.Captioner(folder, ElementType.Float), settings with { MaxBatch = Count, Lanes = 1, RecordedBatches = [Count] }, 1, tokens);
        void Add(string what, IReadOnlyList<FoundSequence> one, IReadOnlyList<FoundSequence> other, double least)
        {
            var (rows, share, score) = Compare(one, other);
            good &= share >= least;
            lines.Add(FormattableString.Invariant($"| {what} | {rows} of {one.Count} | {share:0.0000} | {score:0.0000} |"));
        }

        var greedy = CaptionRace.Parameters(1, tokens);
        var exactGreedy = Caption(exact, some, greedy);
        Add("greedy, fp16 against fp32", Caption(engine, some, greedy), exactGreedy, LeastEqual);
        Add("greedy in batches of 1 against 64, fp16", [.. some.SelectMany(image => Caption(engine, [image], greedy))], Caption(engine, some, greedy), LeastEqual);
        var beams = CaptionRace.Parameters(4, tokens);
        var exactBeams = Caption(exact, some, beams);
        Add("4 beams, fp16 against fp32", Caption(engine, some, beams), exactBeams, 0.9);
        // A penalty of one in a thousand million changes no choice, but lets the host make it.
        Add("greedy chosen on the host against on the GPU, fp32", Caption(exact, some, greedy with { RepetitionPenalty = 1 + 1e-9 }), exactGreedy, 1);
        Add("4 beams chosen on the host against on the GPU, fp32", Caption(exact, some, beams with { RepetitionPenalty = 1 + 1e-9 }), exactBeams, 1);
        if (reference is not null)
        {
            AddReference("greedy, ours fp32 against the reference's fp32", 1, exactGreedy);
            AddReference("4 beams, ours fp32 against the reference's fp32", 4, exactBeams);
        }

        report.Line(string.Join('\n', lines));
        report.Line($"Different captions among the {Count}: {exactGreedy.Select(row => string.Join(' ', row.Tokens)).Distinct().Count()}.");
        return good;

        void AddReference(string what, int width, IReadOnlyList<FoundSequence> ours)
        {
            var path = Path.Combine(Path.GetTempPath(), "vl-bench-check.bin");
            SyntheticImages.Save(some, path);
            var found = reference.Result(new { model = Path.GetFileName(folder), batch = Count, beams = width, tokens, pixels = path, count = Count, precision = "fp32", result = true });
            if (found is null)
                good = false;
            else
                Add(what, [.. found.Select(row => new FoundSequence([.. row.Select(token => (int)token)], double.NaN))], ours, 0.99);
        }
    }

    private static FoundSequence[] Caption(CudaCaptionEngine engine, PreparedPixels[] some, GenerationParameters parameters)
    {
        var results = new RowResult[some.Length];
        engine.Run(some, FullSizeModels.Requests(parameters, some.Length), results, CancellationToken.None);
        return [.. results.Select(result => result.Error is null ? result.Sequences[0] : throw result.Error)];
    }

    private static (int Rows, double Share, double Score) Compare(IReadOnlyList<FoundSequence> one, IReadOnlyList<FoundSequence> other)
    {
        var (rows, equal, compared, score) = (0, 0, 0, 0d);
        for (var i = 0; i < one.Count; i++)
        {
            var (mine, theirs) = (one[i].Tokens, other[i].Tokens);
            var same = 1;
            // What follows an end token is padding.
            var length = Math.Min(mine.Length, theirs.Length);
            while (same < length && mine[same] == theirs[same])
                same++;
            equal += same - 1;
            compared += same - (same == length ? 1 : 0);
            if (same < length)
                continue;
            rows++;
            if (!double.IsNaN(one[i].Score))
                score = Math.Max(score, Math.Abs(one[i].Score - other[i].Score));
        }

        return (rows, equal / (double)compared, score);
    }
}
