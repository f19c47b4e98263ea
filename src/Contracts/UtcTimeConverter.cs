using System.Text.Json;
using System.Text.Json.Serialization;

namespace VlWorker.Contracts;

/// <summary>ISO 8601 times: written in UTC, ending in Z; read with any offset, and as UTC where there is none.</summary>
/// <remarks>The serialiser's own converter takes a time without an offset as local: the same message would mean two things on two hosts.</remarks>
internal sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String || !reader.TryGetDateTime(out var time))
            throw new JsonException();
        if (time.Kind == DateTimeKind.Unspecified)
            return new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc));

        // Times at the edge of what the type holds parse as one type and not as the other.
        return reader.TryGetDateTimeOffset(out var exact) ? exact : throw new JsonException();
    }

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime);
}
