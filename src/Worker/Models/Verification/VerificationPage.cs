using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;

namespace VlWorker.Models.Verification;

/// <summary>The report as one HTML file that loads nothing and runs no script.</summary>
/// <remarks>File names and captions are strangers' texts: they stand in the page HTML-escaped, and its policy allows no script at all.</remarks>
internal static class VerificationPage
{
    private const int RowsShown = 200;

    /// <summary>Writes the page.</summary>
    /// <param name="report">The report.</param>
    /// <param name="at">When it was made.</param>
    public static string Write(VerificationReport report, DateTimeOffset at)
    {
        var style = Resource("verification.css");
        var found = report.Found;
        var parts = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["policy"] = $"default-src 'none'; img-src data:; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(style)))}'; base-uri 'none'; form-action 'none'",
            ["generator"] = VerificationJson.Tool,
            ["style"] = style,
            ["candidate"] = Escape(found.Candidate.Folder),
            ["original"] = Escape(found.Original.Folder),
            ["verdict"] = report.Good ? "good" : "bad",
            ["verdict-text"] = Verdict(report),
            ["images"] = found.ImageCount.ToString("N0", CultureInfo.InvariantCulture),
            ["folder"] = Escape(report.Images),
            ["at"] = at.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
            ["revisions"] = $"original <code>{found.Original.Revision[..12]}</code>, candidate <code>{found.Candidate.Revision[..12]}</code>",
            ["checks"] = Checks(report.Checks),
            ["figures"] = Table(["", "original", "candidate"], Figures.Rows(found).Select(row => new[] { row.What, row.Original, row.Candidate })),
            ["plots"] = string.Concat(VerificationPlots.Of(found)),
            ["lists"] = Lists(found),
        };
        return Fill(Resource("verification.html"), parts);
    }

    /// <summary>HTML-escapes a text.</summary>
    public static string Escape(string text) => HtmlEncoder.Default.Encode(text);

    private static string Verdict(VerificationReport report) => report switch
    {
        { Checks.Count: 0 } => "No threshold was asked for.",
        { Good: true } => "The candidate is good enough.",
        _ => $"The candidate is not good enough: {string.Join(", ", report.Checks.Where(check => !check.Good).Select(check => Escape(check.What)))}.",
    };

    private static string Checks(IReadOnlyList<ThresholdCheck> checks) => checks.Count == 0 ? string.Empty
        : "<ul class=\"checks\">" + string.Concat(checks.Select(check =>
        $"<li class=\"{(check.Good ? "good" : "bad")}\"><span class=\"mark\">{(check.Good ? "kept" : "not kept")}</span> {Escape(check.What)} <b>{Escape(Figures.Check(check))}</b></li>"))
        + "</ul>";

    private static string Lists(Findings found) => string.Concat(
        Section("Captions that differ", ["image", "original", "candidate", "truth", "words"], (found.Captions?.Differences ?? []).Select(row => new[]
        {
            row.Image, row.Original, row.Candidate ?? "(failed)", row.Truth ?? "", row.WordDistance.ToString(CultureInfo.InvariantCulture),
        })),
        Section("Images with the lowest cosines", ["image", "cosine"], Lowest(found.Images)),
        Section("Texts with the lowest cosines", ["text", "cosine"], Lowest(found.Texts)),
        Section("The candidate failed", ["input", "reason"], found.Failed.Select(row => new[] { row.Name, row.Reason })),
        Section("Left out", ["image", "reason"], found.LeftOut.Select(row => new[] { row.Name, row.Reason })));

    private static IEnumerable<string[]> Lowest(EmbeddingComparison? embeddings) =>
        (embeddings?.Lowest ?? []).Select(row => new[] { row.Name, Figures.Cosine(row.Cosine) });

    private static string Section(string title, string[] columns, IEnumerable<string[]> rows)
    {
        var all = rows.ToList();
        if (all.Count == 0)
            return string.Empty;
        var more = all.Count > RowsShown ? $"<p>The first {RowsShown} of {all.Count}; verification.json has all.</p>" : string.Empty;
        return $"<section><h2>{title}</h2>{Table(columns, all.Take(RowsShown))}{more}</section>\n";
    }

    private static string Table(string[] columns, IEnumerable<string[]> rows)
    {
        var head = string.Concat(columns.Select(column => column.Length == 0 ? "<td></td>" : $"<th scope=\"col\">{column}</th>"));
        var body = string.Concat(rows.Select(row => $"<tr><th scope=\"row\">{Escape(row[0])}</th>{string.Concat(row.Skip(1).Select(cell => $"<td>{Escape(cell)}</td>"))}</tr>\n"));
        return $"<div class=\"scroll\" tabindex=\"0\" role=\"group\"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>";
    }

    private static string Fill(string template, Dictionary<string, string> parts)
    {
        var page = new StringBuilder();
        var rest = template.AsSpan();
        while (rest.IndexOf("{{") is var start and >= 0)
        {
            var end = rest.IndexOf("}}");
            page.Append(rest[..start]).Append(parts[rest[(start + 2)..end].ToString()]);
            rest = rest[(end + 2)..];
        }

        return page.Append(rest).ToString();
    }

    private static string Resource(string name)
    {
        using var stream = typeof(VerificationPage).Assembly.GetManifestResourceStream("verification/" + name)
            ?? throw new InvalidOperationException($"{name} is not in the assembly");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
