using Spectre.Console;
using VlWorker.Demo;

namespace VlWorker.Models.Verification;

/// <summary>The report on a console. Names and captions are strangers' texts: they are printed without control characters.</summary>
internal sealed class VerificationTables(IAnsiConsole console)
{
    private const int DifferencesShown = 10;
    private const int ProblemsShown = 20;

    /// <summary>Prints everything.</summary>
    /// <param name="report">The report.</param>
    /// <param name="folder">Where the reports were written, if they were.</param>
    public void Show(VerificationReport report, ReportFolder? folder)
    {
        var found = report.Found;
        console.Line($"{found.ImageCount} images of {DemoReport.Printable(report.Images)}");
        console.Line($"original:  {DemoReport.Printable(found.Original.Folder)}");
        console.Line($"candidate: {DemoReport.Printable(found.Candidate.Folder)}");
        Write(["", "original", "candidate"], Figures.Rows(found).Select(row => new[] { row.What, row.Original, row.Candidate }));
        Differences(found);
        Problems("left out", found.LeftOut);
        Problems("the candidate failed", found.Failed);
        if (report.Checks.Count > 0)
            Write(["threshold", "found", ""],
                report.Checks.Select(check => new[] { check.What, Figures.Check(check), check.Good ? "kept" : "NOT KEPT" }));
        if (folder is not null)
            console.Line($"Reports: {folder.JsonPath} and {new Uri(folder.PagePath).AbsoluteUri}");
        console.Line(report.Good ? "The candidate is good enough." : "The candidate is NOT good enough.");
    }

    private void Differences(Findings found)
    {
        var differences = found.Captions?.Differences ?? [];
        if (differences.Count == 0)
            return;
        Write(["image", "original", "candidate"], differences.Take(DifferencesShown)
            .Select(row => new[] { row.Image, row.Original, row.Candidate ?? "(failed)" }));
        if (differences.Count > DifferencesShown)
            console.Line($"... and {differences.Count - DifferencesShown} more captions that differ.");
    }

    private void Problems(string title, IReadOnlyList<ImageProblem> problems)
    {
        foreach (var problem in problems.Take(ProblemsShown))
            console.Line($"{title}: {DemoReport.Printable(problem.Name)}: {DemoReport.Printable(problem.Reason)}");
        if (problems.Count > ProblemsShown)
            console.Line($"{title}: ... and {problems.Count - ProblemsShown} more.");
    }

    private void Write(string[] columns, IEnumerable<string[]> rows)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var column in columns)
            table.AddColumn(column);
        foreach (var row in rows)
            table.AddRow(row.Select(cell => new Text(DemoReport.Printable(cell))));
        console.Write(table);
    }
}
