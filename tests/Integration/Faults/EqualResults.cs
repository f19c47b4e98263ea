using System.Globalization;
using System.Runtime.InteropServices;
using VlWorker.Contracts;

namespace VlWorker.Integration.Faults;

/// <summary>
/// Whether two answers to one request are equal (docs/delivery.md): ids, image, models, texts, labels and boxes the same, scores within 0.01,
/// cosine 0.999 or more; what one of them has, the other has too.
/// </summary>
/// <remarks>int8 takes one scale over the whole batch, so a row's batch-mates move its numbers a little. Times are free.</remarks>
public static class EqualResults
{
    private const double ScoreTolerance = 1e-2;
    private const double LeastCosine = 0.999;

    /// <summary>The first thing in which they differ, with its two values; null for equal answers.</summary>
    public static string? Difference(Answer one, Answer other)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        return Same("id", one.Id, other.Id)
            ?? Same("rejection", one.Rejection?.Reason, other.Rejection?.Reason)
            ?? Both("result for an image", one.Image, other.Image, Images)
            ?? Both("result for a text", one.Text, other.Text, Texts);
    }

    private static string? Images(ImageDescribed one, ImageDescribed other) =>
        Same("image", one.Image, other.Image) ?? Each("outputs", one.Outputs, other.Outputs, Outputs);

    private static string? Texts(TextDescribed one, TextDescribed other) =>
        Same("result id", one.ResultId, other.ResultId)
        ?? Same("model", one.Model, other.Model)
        ?? Same("tokens", (one.Tokens, one.Truncated), (other.Tokens, other.Truncated))
        ?? Embeddings(one.Embedding, other.Embedding);

    private static string? Outputs(Output one, Output other) =>
        Same("task", one.Task, other.Task)
        ?? Same("result id", one.ResultId, other.ResultId)
        ?? Same("content id", one.ContentId, other.ContentId)
        ?? Same("model", one.Model, other.Model)
        ?? Both("caption", one.Caption, other.Caption, Captions)
        ?? Both("answer", one.Answer, other.Answer, Captions)
        ?? Both("embedding", one.Embedding, other.Embedding, Embeddings)
        ?? Both("detections", one.Detections, other.Detections, static (one, other) => Each("detections", one, other, Detections))
        ?? Both("classification", one.Classification, other.Classification, Classifications);

    private static string? Captions(Caption one, Caption other) =>
        Same("text", one.Text, other.Text)
        ?? Near($"score of \"{one.Text}\"", one.Score, other.Score)
        ?? Each("alternatives", one.Alternatives ?? [], other.Alternatives ?? [], Captions);

    private static string? Detections(Detection one, Detection other) =>
        Same("label", one.Label, other.Label)
        ?? Near($"score of {one.Label}", one.Score, other.Score)
        ?? Same("box", one.Box, other.Box)
        ?? Same("polygons", Written(one.Polygons), Written(other.Polygons));

    // Labels whose scores are this near to each other may change places.
    private static string? Classifications(Classification one, Classification other) =>
        Same("function", one.Function, other.Function)
        ?? Each("labels", Sorted(one), Sorted(other), static (one, other) =>
            Same("label", one.Label, other.Label) ?? Near($"score of {one.Label}", one.Score, other.Score));

    private static string? Embeddings(Embedding one, Embedding other)
    {
        var (left, right) = (Values(one), Values(other));
        if (left.Count != right.Count)
            return $"embedding: {left.Count} and {right.Count} components";
        var cosine = left.Zip(right, static (x, y) => (double)x * y).Sum();
        return cosine >= LeastCosine
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"embedding: cosine {cosine}, from {left[0]} and {right[0]} on");
    }

    private static IReadOnlyList<float> Values(Embedding embedding) =>
        embedding.Values ?? MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(embedding.Base64!)).ToArray();

    private static LabelScore[] Sorted(Classification classification) =>
        [.. classification.Labels.OrderBy(static label => label.Label, StringComparer.Ordinal)];

    private static string Written(IReadOnlyList<IReadOnlyList<double>>? polygons) =>
        polygons is null ? "none" : string.Join(" | ", polygons.Select(static polygon =>
            string.Join(' ', polygon.Select(static value => value.ToString("R", CultureInfo.InvariantCulture)))));

    private static string? Same<T>(string what, T one, T other) => EqualityComparer<T>.Default.Equals(one, other) ? null : Two(what, one, other);

    private static string? Near(string what, double? one, double? other) => (one, other) switch
    {
        (null, null) => null,
        ({ } left, { } right) when Math.Abs(left - right) <= ScoreTolerance => null,
        _ => Two(what, one, other),
    };

    private static string? Both<T>(string what, T? one, T? other, Func<T, T, string?> difference)
        where T : class => (one, other) switch
        {
            (null, null) => null,
            ({ } left, { } right) => difference(left, right) is { } found ? $"{what}: {found}" : null,
            _ => Two(what, one, other),
        };

    private static string? Each<T>(string what, IReadOnlyList<T> one, IReadOnlyList<T> other, Func<T, T, string?> difference) =>
        one.Count == other.Count ? one.Zip(other, difference).FirstOrDefault(static found => found is not null) : Two(what, one.Count, other.Count);

    private static string Two<T>(string what, T one, T other) => string.Create(CultureInfo.InvariantCulture, $"{what}: {Text(one)} and {Text(other)}");

    private static string Text<T>(T value) => value switch
    {
        null => "none",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };
}
