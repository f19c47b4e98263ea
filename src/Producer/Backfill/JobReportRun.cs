using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Backfill;

/// <summary>Writes a job's report to the terminal and into files.</summary>
internal sealed class JobReportRun(Terminal terminal, string path)
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes it.</summary>
    public async Task<int> RunAsync(string? html, string? notDescribed)
    {
        using var job = JobFile.Open(path);
        var report = JobReport.Read(job);
        await using (var output = new StreamWriter(terminal.Output, leaveOpen: true))
        {
            foreach (var line in ReportText.Lines(report))
                await output.WriteLineAsync(line);
        }

        try
        {
            if (html is not null)
                await File.WriteAllTextAsync(html, ReportText.Html(report));
            if (notDescribed is not null)
                await File.WriteAllLinesAsync(notDescribed, JobReport.NotDescribed(job).Select(Line));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ProducerException(ExitCode.JobFile, $"can't write the report: {error.Message}", error);
        }

        return ExitCode.Success;
    }

    private static string Line((string Bucket, string Key, string Kind, string Detail) item) =>
        new JsonObject { ["bucket"] = item.Bucket, ["key"] = item.Key, ["outcome"] = item.Kind, ["reason"] = item.Detail }.ToJsonString(Readable);
}
