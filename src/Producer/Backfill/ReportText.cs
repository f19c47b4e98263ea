using System.Globalization;
using System.Net;
using System.Text;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Backfill;

/// <summary>A job's report for a terminal and for a browser.</summary>
internal static class ReportText
{
    private const int SlowestShown = 20;

    private const string Style = """
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; background: #fff }
        table { border-collapse: collapse; width: 100%; margin: .5rem 0 2rem }
        th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #d8dee4; vertical-align: top; overflow-wrap: anywhere }
        td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
        @media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117 } th, td { border-color: #30363d } }
        """;

    /// <summary>Lines for a terminal.</summary>
    public static IEnumerable<string> Lines(JobReport report)
    {
        foreach (var (name, value) in Facts(report))
            yield return $"{name,-14} {value}";
        yield return "";
        foreach (var outcome in report.Outcomes)
            yield return string.Create(CultureInfo.InvariantCulture, $"{outcome.Count,12:N0}  {outcome.Kind}: {Short(outcome.Detail)}");
        foreach (var group in report.Examples.GroupBy(example => (example.Kind, example.Reason)))
        {
            yield return "";
            yield return $"{group.Key.Kind}: {group.Key.Reason}, for example";
            foreach (var example in group.Take(5))
                yield return Plain.Line($"  {example.Key}: {example.Text}");
        }

        if (report.Slowest.Count > 0)
            yield return "\nslowest";
        foreach (var item in report.Slowest.Take(SlowestShown))
            yield return Plain.Line(string.Create(CultureInfo.InvariantCulture, $"{item.Milliseconds,12:N1} ms  {item.Key}"));
        if (report.Faults.Count > 0)
            yield return "\nleft out";
        foreach (var (place, message) in report.Faults)
            yield return Plain.Line(string.Create(CultureInfo.InvariantCulture, $"  line {place}: {message}"));
    }

    /// <summary>A page that needs nothing else.</summary>
    public static string Html(JobReport report)
    {
        var page = new StringBuilder();
        page.Append("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>")
            .Append(Encode($"Backfill {report.Job}")).Append("</title><style>\n").Append(Style).Append("\n</style>\n<h1>")
            .Append(Encode($"Backfill {report.Job}")).Append("</h1>\n");
        Table(page, "", ["", ""], Facts(report).Select(fact => new[] { fact.Name, fact.Value }), numeric: -1);
        Table(page, "Outcomes", ["images", "outcome", "reason or models"], report.Outcomes.Select(o => new[] { Number(o.Count), o.Kind, Short(o.Detail) }), numeric: 0);
        Table(page, "Examples", ["outcome", "key", "what was said"], report.Examples.Select(e => new[] { $"{e.Kind}: {e.Reason}", e.Key, e.Text }), numeric: -1);
        Table(page, "Slowest", ["ms", "key"], report.Slowest.Select(s => new[] { s.Milliseconds.ToString("N1", CultureInfo.InvariantCulture), s.Key }), numeric: 0);
        Table(page, "Left out", ["line", "why"], report.Faults.Select(f => new[] { Number(f.Place), f.Message }), numeric: 0);
        return page.Append("</html>\n").ToString();
    }

    private static IEnumerable<(string Name, string Value)> Facts(JobReport report) =>
    [
        ("job", Plain.Line(report.Job)),
        ("source", Plain.Line(report.Source)),
        ("begun", report.Created),
        ("listed", Number(report.Listed)),
        ("unanswered", Number(report.Unanswered)),
        ("throughput", report.Throughput is { } rate ? string.Create(CultureInfo.InvariantCulture, $"{rate:N1} images/s") : "not known"),
    ];

    private static void Table(StringBuilder page, string title, string[] head, IEnumerable<string[]> rows, int numeric)
    {
        var all = rows.ToList();
        if (all.Count == 0)
            return;
        if (title.Length > 0)
            page.Append("<h2>").Append(title).Append("</h2>\n");
        page.Append("<table>\n<tr>").AppendJoin("", head.Select(cell => $"<th>{cell}</th>")).Append("</tr>\n");
        foreach (var row in all)
            page.Append("<tr>").AppendJoin("", row.Select((cell, i) => $"<td{(i == numeric ? " class=\"n\"" : "")}>{Encode(cell)}</td>")).Append("</tr>\n");
        page.Append("</table>\n");
    }

    // A revision is 64 digits; the first twelve tell revisions apart.
    private static string Short(string detail) => string.Join(' ', detail.Split(' ').Select(word =>
        word.IndexOf('@', StringComparison.Ordinal) is var at and > 0 && word.Length > at + 13 ? word[..(at + 13)] : word));

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
