using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using VlWorker.Contracts;

namespace VlWorker.Consuming;

/// <summary>What went wrong in each attempt at a message, carried along in <see cref="Topology.HistoryHeader"/>: a JSON array, oldest first.</summary>
internal static class AttemptHistory
{
    /// <summary>Entries kept, the newest.</summary>
    public const int Most = 20;

    /// <summary>Characters of an error: headers must stay far below a frame.</summary>
    public const int LongestError = 300;

    // For people who read it in a terminal; it is never put into HTML.
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The header's value with one more attempt.</summary>
    /// <param name="before">Its value so far; what can't be read is dropped.</param>
    /// <param name="attempt">The attempt's number, from 1.</param>
    /// <param name="at">When it ended, as text.</param>
    /// <param name="error">Why it failed.</param>
    public static string Add(string? before, int attempt, string at, string error)
    {
        var entries = Read(before);
        entries.Add(new JsonObject { ["attempt"] = attempt, ["at"] = at, ["error"] = error.Cut(LongestError) });
        while (entries.Count > Most)
            entries.RemoveAt(0);
        return entries.ToJsonString(Readable);
    }

    private static JsonArray Read(string? text)
    {
        try
        {
            return text is null ? [] : JsonNode.Parse(text) as JsonArray ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
