using System.Buffers;
using System.Text;
using System.Text.Json;

namespace VlWorker.Consuming;

/// <summary>Finds in a message that is too large to be read what an answer repeats of it, so that its sender knows which one was rejected.</summary>
internal static class LargeMessage
{
    /// <summary>Bytes of a value at most; more than that no valid request has there.</summary>
    private const int LargestValue = 32 * 1024;

    private static readonly string[] Repeated = ["id", "jobId", "image", "context"];

    /// <summary>An object with those of the values that are there and small. Takes no memory but for these.</summary>
    public static JsonElement Essentials(ReadOnlyMemory<byte> body)
    {
        var found = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(found))
        {
            writer.WriteStartObject();
            Copy(body.Span.StartsWith(Encoding.UTF8.Preamble) ? body.Span[Encoding.UTF8.Preamble.Length..] : body.Span, writer);
            writer.WriteEndObject();
        }

        return JsonElement.Parse(found.WrittenSpan);
    }

    private static void Copy(ReadOnlySpan<byte> body, Utf8JsonWriter writer)
    {
        var reader = new Utf8JsonReader(body);
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
                if (name is null || value.Length > LargestValue)
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
