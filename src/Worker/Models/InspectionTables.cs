using System.Globalization;
using Spectre.Console;
using VlWorker.ModelKit.Inspection;

namespace VlWorker.Models;

/// <summary>Prints what was found in a model folder.</summary>
internal sealed class InspectionTables(IAnsiConsole console)
{
    /// <summary>Prints all of it.</summary>
    public void Show(ModelInspection found)
    {
        Line($"{found.Folder}: {found.Family}, {string.Join(" and ", found.Kinds)}" + (found.Precisions.Count > 0 ? $", {string.Join(", ", found.Precisions)}" : string.Empty));
        foreach (var sentence in found.Done)
            Line($"  {sentence}");
        if (found.Graphs.Count > 0)
            Graphs(found);
        Work(found);
        Memory(found);
        foreach (var offer in found.Offers)
        {
            Line($"Optimising for {offer.Target} in {offer.Precision} (layout {offer.Layout}) would do this:");
            foreach (var sentence in offer.Done)
                Line($"  {sentence}");
        }
    }

    private void Graphs(ModelInspection found)
    {
        foreach (var graph in found.Graphs)
        {
            var weights = graph.WeightBytes.Where(static entry => entry.Value >= 1000).OrderByDescending(static entry => entry.Value)
                .Select(static entry => $"{entry.Key} {Number(entry.Value / 1e6)} MB");
            Line(
                $"{graph.Name}: {graph.File}, {Number(graph.Bytes / 1e6)} MB, opset {graph.Opset}, {graph.Nodes} nodes, made by {graph.Producer}");
            Line($"  weights: {string.Join(", ", weights)}");
            foreach (var input in Shortened(graph.Inputs))
                Line($"  in   {input}");
            foreach (var output in Shortened(graph.Outputs))
                Line($"  out  {output}");
        }
    }

    // Not by the console, which would break lines at its width.
    private void Line(string text) => console.Profile.Out.Writer.WriteLine(text);

    private void Work(ModelInspection found)
    {
        var table = new Table().AddColumns("part", "parameters", "GFLOP", "for");
        foreach (var part in found.Parts)
            table.AddRow(part.Name, $"{Number(part.Parameters / 1e6)} M", Number(part.Flops / 1e9), part.Unit);
        table.AddRow("together", $"{Number(found.Parameters / 1e6)} M", Number(found.FlopsPerImage / 1e9), "an image");
        console.Write(table);
    }

    private void Memory(ModelInspection found)
    {
        var table = new Table().AddColumns("batch", "weights MB", "keys and values MB", "together MB", "read MB an image");
        foreach (var row in found.Memory)
        {
            table.AddRow(
                row.Batch.ToString(CultureInfo.InvariantCulture), Number(row.WeightBytes / 1e6), Number(row.CacheBytes / 1e6),
                Number((row.WeightBytes + row.CacheBytes) / 1e6), Number(row.BytesPerImage / 1e6));
        }

        console.Write(table);
    }

    // A decoder has a cache for each layer: the first two tell the rest.
    private static IEnumerable<string> Shortened(IReadOnlyList<string> values) =>
        values.Count <= 8 ? values : [.. values.Take(6), $"and {values.Count - 6} more"];

    private static string Number(double value) => value.ToString(value < 10 ? "0.00" : "#,0.0", CultureInfo.InvariantCulture);
}
