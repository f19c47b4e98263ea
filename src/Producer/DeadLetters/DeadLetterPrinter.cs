using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.DeadLetters;

/// <summary>Shows letters to a person or to a program.</summary>
/// <param name="terminal">Where they go.</param>
/// <param name="json">Whether as JSON, one document a line.</param>
internal sealed class DeadLetterPrinter(Terminal terminal, bool json)
{
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new(Compact) { WriteIndented = true };
    private static readonly JsonDocumentOptions Unambiguous = new() { AllowDuplicateProperties = false };

    /// <summary>A line that names the columns.</summary>
    public Task HeadAsync() => json ? Task.CompletedTask : WriteAsync(Columns("put away", "reason", "tries", "from", "id", "image or error"));

    /// <summary>One letter in a line.</summary>
    public Task RowAsync(DeadLetter letter) => WriteAsync(json
        ? ToJson(letter).ToJsonString(Compact)
        : Columns(
            Time(letter.DiedAt),
            letter.Reason,
            letter.Attempts.ToString(CultureInfo.InvariantCulture),
            letter.RoutingKey ?? "?",
            letter.Id,
            $"{(letter.Image is { } image ? $"{image.Bucket}/{image.Key}  " : "")}{letter.Error}"));

    /// <summary>Everything about a letter.</summary>
    public async Task WholeAsync(DeadLetter letter)
    {
        if (json)
        {
            await WriteAsync(ToJson(letter).ToJsonString(Compact));
            return;
        }

        await WriteAsync($"id          {letter.Id}");
        await WriteAsync($"message-id  {letter.Properties.MessageId}");
        await WriteAsync($"job         {letter.JobId}");
        await WriteAsync($"image       {(letter.Image is { } image ? $"{image.Bucket}/{image.Key}" : "")}");
        await WriteAsync($"why         {letter.Reason}: {letter.Error}");
        await WriteAsync($"when        published {Time(letter.PublishedAt)}, put away {Time(letter.DiedAt)}");
        await WriteAsync($"how often   {letter.Attempts} attempts");
        foreach (var attempt in HistoryOf(letter))
            await WriteAsync($"attempt     {attempt}");
        await WriteAsync($"from        {letter.Origin}");
        foreach (var (name, value) in letter.Properties.Headers ?? new Dictionary<string, object?>())
            await WriteAsync($"header      {name}: {HeaderReader.Show(value)}");
        foreach (var line in BodyOf(letter).ToJsonString(Indented).Split('\n'))
            await WriteAsync($"body        {line.TrimEnd('\r')}");
    }

    private string Columns(string time, string reason, string attempts, string from, string id, string rest)
    {
        var line = $"{time,-20}  {reason,-18}  {attempts,5}  {from,-11}  {id,-24}  {rest}";
        return line.Length > terminal.Width && terminal.IsInteractive ? line[..(terminal.Width - 1)] + "…" : line;
    }

    private static JsonObject ToJson(DeadLetter letter)
    {
        var headers = new JsonObject();
        foreach (var (name, value) in letter.Properties.Headers ?? new Dictionary<string, object?>())
            headers[name] = HeaderReader.Show(value);
        return new JsonObject
        {
            ["id"] = letter.Id,
            ["messageId"] = letter.Properties.MessageId,
            ["jobId"] = letter.JobId,
            ["reason"] = letter.Reason,
            ["error"] = letter.Error,
            ["attempts"] = letter.Attempts,
            ["origin"] = letter.Origin,
            ["publishedAt"] = letter.PublishedAt?.ToString("O", CultureInfo.InvariantCulture),
            ["diedAt"] = letter.DiedAt?.ToString("O", CultureInfo.InvariantCulture),
            ["headers"] = headers,
            ["body"] = BodyOf(letter),
        };
    }

    private static JsonNode BodyOf(DeadLetter letter)
    {
        try
        {
            var body = JsonNode.Parse(letter.Body) ?? JsonValue.Create("null");

            // Half of a character shows only where the text is read.
            _ = body.ToJsonString(Compact);
            return body;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return JsonValue.Create(Encoding.UTF8.GetString(letter.Body));
        }
    }

    /// <summary>One line an attempt; none where the letter has no history that can be read.</summary>
    private static IReadOnlyList<string> HistoryOf(DeadLetter letter)
    {
        try
        {
            return letter.Properties.Text(Topology.HistoryHeader) is { } text && JsonNode.Parse(text, null, Unambiguous) is JsonArray attempts
                ? [.. attempts.Select(attempt => $"{attempt?["attempt"]}, {attempt?["at"]}: {attempt?["error"]}")]
                : [];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return [];
        }
    }

    private static string Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "?";

    private async Task WriteAsync(string line)
    {
        await terminal.Output.WriteAsync(Encoding.UTF8.GetBytes((json ? line : Plain.Line(line)) + "\n"));
        await terminal.Output.FlushAsync();
    }
}
