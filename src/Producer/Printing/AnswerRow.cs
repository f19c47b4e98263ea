using System.Globalization;
using VlWorker.Contracts;

namespace VlWorker.Producer.Printing;

/// <summary>An answer in four short texts.</summary>
/// <param name="Mark">Whether it worked.</param>
/// <param name="Name">The image's key, or the request's id.</param>
/// <param name="Result">What came out.</param>
/// <param name="Milliseconds">Time at work on it, waiting in the queue apart.</param>
/// <param name="Style">Spectre's style of the row.</param>
internal sealed record AnswerRow(string Mark, string Name, string Result, string Milliseconds, string Style)
{
    /// <summary>The texts in the order of the columns.</summary>
    public string[] Cells => [Mark, Name, Result, Milliseconds];

    /// <summary>The row of an answer.</summary>
    public static AnswerRow Of(Answer answer) => answer switch
    {
        { Image: { } image } => new("✓", image.Image.Key, string.Join(" · ", image.Outputs.Select(Text)), Time(image.Timings), "default"),
        { Text: { } text } => new("✓", text.Id, $"{Text(text.Embedding)}, {text.Tokens} tokens{(text.Truncated ? ", cut" : "")}", "", "default"),
        { Rejection: { } rejection } => new("✗", rejection.Image?.Key ?? rejection.Id, $"{rejection.Reason}: {rejection.Detail}", "", "red"),
        _ => throw new ArgumentException("an empty answer", nameof(answer)),
    };

    private static string Text(Output output) => output switch
    {
        { Caption: { } caption } => caption.Text,
        { Embedding: { } embedding } => Text(embedding),
        { Answer: { } answer } => answer.Text,
        { Detections: { } detections } => detections.Count == 0 ? "nothing found" : string.Join(", ", detections.Select(detection => detection.Label)),
        { Classification.Labels: { Count: > 0 } labels } => string.Create(CultureInfo.InvariantCulture, $"{labels[0].Label} {labels[0].Score:0.000}"),
        _ => output.Task,
    };

    private static string Text(Embedding embedding) => string.Create(CultureInfo.InvariantCulture, $"embedding of {embedding.Dimensions}");

    private static string Time(Timings timings) =>
        (timings.Fetch + timings.Decode + timings.BatchWait + timings.Inference).ToString("0.0", CultureInfo.InvariantCulture);
}
