using VlWorker.Contracts;

namespace VlWorker.Integration.Faults;

/// <summary>Whether two answers to one request are equal (docs/delivery.md): ids, image, models and captions the same, scores within 0.01, cosine 0.999 or more.</summary>
/// <remarks>int8 takes one scale over the whole batch, so a row's batch-mates move its numbers a little. Times are free.</remarks>
public static class EqualResults
{
    private const double ScoreTolerance = 1e-2;
    private const double LeastCosine = 0.999;

    /// <summary>Compares them.</summary>
    public static bool Are(Answer one, Answer other)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        return one.Rejection?.Reason == other.Rejection?.Reason && Are(one.Image, other.Image) && Are(one.Text, other.Text);
    }

    private static bool Are(ImageDescribed? one, ImageDescribed? other) =>
        one is null || other is null
            ? one is null && other is null
            : one.Image == other.Image && one.Outputs.Count == other.Outputs.Count && one.Outputs.Zip(other.Outputs, Are).All(equal => equal);

    private static bool Are(TextDescribed? one, TextDescribed? other) =>
        one is null || other is null
            ? one is null && other is null
            : one.ResultId == other.ResultId && one.Model == other.Model && Cosine(one.Embedding, other.Embedding) >= LeastCosine;

    private static bool Are(Output one, Output other) =>
        one.ResultId == other.ResultId
        && one.Model == other.Model
        && one.Caption?.Text == other.Caption?.Text
        && Math.Abs((one.Caption?.Score ?? 0) - (other.Caption?.Score ?? 0)) <= ScoreTolerance
        && (one.Embedding is null || other.Embedding is null || Cosine(one.Embedding, other.Embedding) >= LeastCosine);

    private static double Cosine(Embedding one, Embedding other) => one.Values!.Zip(other.Values!, (x, y) => (double)x * y).Sum();
}
