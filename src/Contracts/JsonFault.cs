using System.Globalization;
using System.Text.Json;

namespace VlWorker.Contracts;

/// <summary>Turns what the serialiser says, type names and all, into a sentence for the sender of the JSON.</summary>
internal static class JsonFault
{
    private const int LongestPath = 128;

    public static string Describe(JsonException error)
    {
        if (error.InnerException is JsonException fault)
        {
            if (fault.Message.Contains("maximum configured depth", StringComparison.Ordinal))
                return "nested more than 32 levels deep";
            return string.Create(
                CultureInfo.InvariantCulture,
                $"not valid JSON at line {(error.LineNumber ?? 0) + 1}, byte {(error.BytePositionInLine ?? 0) + 1}");
        }

        var lacking = error.Message.Contains("required", StringComparison.Ordinal);
        if (error.Path is null or "$")
            return lacking ? "a required field is missing" : "not a JSON object";
        var path = error.Path.Length > LongestPath ? string.Concat(error.Path.AsSpan(0, LongestPath), "...") : error.Path;
        return lacking ? $"the value at {path} lacks a required field" : $"the value at {path} is of the wrong kind or out of range";
    }
}
