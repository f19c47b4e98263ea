using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace VlWorker.Models.Verification;

/// <summary>The report for machines. Fields are only ever added.</summary>
internal static class VerificationJson
{
    /// <summary>Marks a file as this verb's own, so that nothing else is ever overwritten.</summary>
    public const string Tool = "vl-worker model verify";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        // A broken model gives scores that are not numbers: they are written as "NaN".
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>The report as indented JSON.</summary>
    public static string Write(VerificationReport report) => JsonSerializer.Serialize(
        new
        {
            Tool,
            report.Good,
            report.Checks,
            report.Images,
            Compared = report.Found.ImageCount,
            report.Found.Original,
            report.Found.Candidate,
            report.Found.Question,
            report.Found.Captions,
            ImageEmbeddings = report.Found.Images,
            TextEmbeddings = report.Found.Texts,
            report.Found.Recall,
            report.Found.Speed,
            report.Found.LeftOut,
            report.Found.Failed,
        },
        Options);
}
