using System.Buffers;
using System.Text;
using System.Text.Json;

namespace VlWorker.Consuming;

/// <summary>Finds in a message that can't be read what an answer repeats of it, so that its sender knows which one was rejected.</summary>
internal static class UnreadMessage
{
    /// <summary>Bytes of a value at most; more than that no valid request has there.</summary>
    private const int LargestValue = 32 * 1024;

    /// <summary>Levels of a value at most: what serialisers accept.</summary>
    private const int DeepestValue = 32;

    private static readonly string[] Repeated = ["id", "jobId", "image", "context"];

    /// <summary>An object with those of the values that are there and small. Takes no memory but for these.</summary>
    public static JsonElement Essentials(ReadOnlySpan<byte> body)
    {
        var found = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(found))
        {
            writer.WriteStartObject();
            Copy(WithoutMark(body), writer);
            writer.WriteEndObject();
        }

        return JsonElement.Parse(found.WrittenSpan);
    }

    /// <summary>Whether a body is one JSON object, however deep. A document would take time that grows with the square of the depth.</summary>
    public static bool IsObject(ReadOnlySpan<byte> body) => Reads(WithoutMark(body), int.MaxValue) is JsonTokenType.StartObject;

    // The first token of what is JSON to its end, and not deeper; null of anything else.
    private static JsonTokenType? Reads(ReadOnlySpan<byte> json, int depth)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = depth });
        try
        {
            reader.Read();
            var first = reader.TokenType;
            while (reader.Read())
            {
            }

            return first;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> body) =>
        body.StartsWith(Encoding.UTF8.Preamble) ? body[Encoding.UTF8.Preamble.Length..] : body;

    private static void Copy(ReadOnlySpan<byte> body, Utf8JsonWriter writer)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = int.MaxValue });
        try
        {
            while (reader.Read())
            {
                if (reader is not { CurrentDepth: 1, TokenType: JsonTokenType.PropertyName })
                    continue;
                var name = NameOf(ref reader);
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                var value = body[start..(int)reader.BytesConsumed];
                if (name is null || value.Length > LargestValue || Reads(value, DeepestValue) is null)
                    continue;
                writer.WritePropertyName(name);
                writer.WriteRawValue(value, skipInputValidation: true);
            }
        }
        catch (JsonException)
        {
            // What stands before the fault will do.
        }
    }

    private static string? NameOf(ref Utf8JsonReader reader)
    {
        foreach (var name in Repeated)
        {
            if (reader.ValueTextEquals(name))
                return name;
        }

        return null;
    }
}
