using System.Text.Json;
using System.Text.Json.Serialization;

namespace VlWorker.Diagnostics;

/// <summary>Writes findings, as a table for people or as JSON for programs.</summary>
internal static class DoctorReport
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseUpper) },
    };

    /// <summary>Whether nothing failed.</summary>
    public static bool Healthy(IReadOnlyList<Finding> findings) => findings.All(finding => finding.Verdict != Verdict.Fail);

    /// <summary>One line a finding: verdict, check, detail; below it what to do.</summary>
    public static void WriteTable(IReadOnlyList<Finding> findings, TextWriter output)
    {
        var width = findings.Max(finding => finding.Check.Length);
        var margin = new string(' ', "WARN  ".Length + width);
        foreach (var finding in findings)
        {
            var lines = finding.Detail.ReplaceLineEndings("\n").Split('\n');
            output.WriteLine($"{finding.Verdict.ToString().ToUpperInvariant(),-4}  {finding.Check.PadRight(width)}  {lines[0]}");
            foreach (var line in lines.Skip(1))
                output.WriteLine($"{margin}  {line}");
            if (finding.Remedy is { } remedy)
                output.WriteLine($"{margin}  -> {remedy}");
        }

        output.WriteLine();
        output.WriteLine(string.Join(", ", Enum.GetValues<Verdict>().Select(verdict => $"{findings.Count(finding => finding.Verdict == verdict)} {verdict.ToString().ToUpperInvariant()}")));
    }

    /// <summary>An object: healthy, and the findings with check, verdict (OK, WARN, FAIL), detail and remedy.</summary>
    public static void WriteJson(IReadOnlyList<Finding> findings, TextWriter output) =>
        output.WriteLine(JsonSerializer.Serialize(new { Healthy = Healthy(findings), Findings = findings }, Json));
}
