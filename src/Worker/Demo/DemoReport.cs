using System.Globalization;
using System.Numerics.Tensors;
using Spectre.Console;
using VlWorker.Demo.Gallery;

namespace VlWorker.Demo;

/// <summary>The summary at the end. Names and captions are strangers' texts: they are printed without control characters.</summary>
internal sealed class DemoReport(IAnsiConsole console)
{
    private const int BestOfAQuery = 5;
    private const int FailuresShown = 20;

    /// <summary>Counts, times and models.</summary>
    public void Summary(ImageScan scan, DemoTally tally, TimeSpan loading, TimeSpan elapsed)
    {
        var table = new Table { Border = TableBorder.Rounded, ShowHeaders = false };
        table.AddColumn(new TableColumn("").NoWrap()).AddColumn("");
        Row(table, "images", Number(scan.Keys.Count) + (scan.Beyond > 0 ? $" ({Number(scan.Beyond)} more beyond the limit)" : ""));
        Row(table, "described", Number(tally.Images.Count));
        Row(table, "rejected", Counted(tally.Rejected));
        if (tally.Failed.Count > 0)
            Row(table, "without an answer", Counted(tally.Failed));
        if (scan.Skipped.Count > 0)
            Row(table, "other files", Counted(scan.Skipped));
        var answered = tally.Images.Count + tally.Rejected.Count;
        var rate = elapsed > TimeSpan.Zero ? answered / elapsed.TotalSeconds : 0;
        Row(table, "images/s", Format($"{rate:N1} (in {elapsed.TotalSeconds:N1} s; models loaded in {loading.TotalSeconds:N1} s)"));
        if (tally.Images.Count > 0)
            Row(table, "batch", Format($"{tally.MeanBatch():N1} images on average"));
        foreach (var model in tally.Models)
            Row(table, model.Task, $"{model.Alias}, revision {(model.Revision.Length > 12 ? model.Revision[..12] : model.Revision)}");
        console.Write(table);
        Stages(tally.Stages());
        Failures(scan, tally);
    }

    /// <summary>The images that lie closest to each query.</summary>
    public void Queries(IReadOnlyList<GalleryText> texts, IReadOnlyList<GalleryImage> images)
    {
        foreach (var query in texts.Where(text => text.IsQuery))
        {
            console.Line($"Closest to \"{Printable(query.Text)}\":");
            var ranked = images.Where(image => image.Embedding?.Length == query.Embedding.Length)
                .Select(image => (Cosine: TensorPrimitives.Dot<float>(image.Embedding, query.Embedding), Image: image))
                .OrderByDescending(pair => pair.Cosine)
                .Take(BestOfAQuery);
            foreach (var (cosine, image) in ranked)
                console.Line(Format($"  {cosine:0.000}  {Printable(image.Key)}  {Printable(image.Caption ?? "")}"));
        }
    }

    /// <summary>Where to look.</summary>
    public void Written(OutputFolder output, bool page)
    {
        console.Line($"Results: {output.ResultsPath}");
        if (page)
            console.Line($"Gallery: {new Uri(output.PagePath).AbsoluteUri}");
    }

    /// <summary>A text without control characters, which could steer the terminal.</summary>
    public static string Printable(string text, bool keepLines = false) =>
        string.Concat(text.Select(c => char.IsControl(c) && !(keepLines && c == '\n') ? '\uFFFD' : c));

    private void Stages(IReadOnlyList<StageTime> stages)
    {
        if (stages.Count == 0)
            return;
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("time of an image with its waits, in ms");
        foreach (var name in new[] { "mean", "median", "95 %" })
            table.AddColumn(new TableColumn(name).RightAligned());
        foreach (var stage in stages)
        {
            table.AddRow(
                new Text(stage.Stage), new Text(Format($"{stage.Mean:N1}")), new Text(Format($"{stage.Median:N1}")), new Text(Format($"{stage.Percentile95:N1}")));
        }

        console.Write(table);
    }

    private void Failures(ImageScan scan, DemoTally tally)
    {
        foreach (var failure in tally.Failed.Take(FailuresShown))
            console.Line($"No answer for {Printable(failure.Key)}: {failure.Reason}: {Printable(failure.Detail)}");
        if (tally.Failed.Count > FailuresShown)
            console.Line($"... and {Number(tally.Failed.Count - FailuresShown)} more.");
        foreach (var folder in scan.Unreadable.Take(FailuresShown))
            console.Line($"The folder {Printable(folder)} can't be listed: its images have no result.");
    }

    private static string Counted(IReadOnlyList<GalleryNote> notes)
    {
        var reasons = notes.GroupBy(note => note.Reason).OrderByDescending(group => group.Count()).Select(group => $"{group.Key} {Number(group.Count())}");
        return notes.Count == 0 ? "0" : $"{Number(notes.Count)} ({string.Join(", ", reasons)})";
    }

    private static void Row(Table table, string name, string value) => table.AddRow(new Text(name), new Text(value));

    private static string Number(int value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Format(FormattableString text) => FormattableString.Invariant(text);
}
