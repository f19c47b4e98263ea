using System.Globalization;
using System.Text;

namespace VlWorker.Publishing;

/// <summary>Carries <see cref="MessageProperties"/> in the headers of an in-memory message, which has GUID ids and no other properties.</summary>
internal static class InMemoryProperties
{
    private const string Prefix = "vl-property-";
    private const string HeaderPrefix = "vl-header-";

    public static IEnumerable<KeyValuePair<string, object>> Write(MessageProperties from)
    {
        foreach (var (name, value) in Properties(from))
        {
            if (value is not null)
                yield return new(Prefix + name, value);
        }

        foreach (var (name, value) in from.Headers)
        {
            if (value is not null)
                yield return new(HeaderPrefix + name, value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : value);
        }
    }

    public static MessageProperties Read(IEnumerable<KeyValuePair<string, object>> headers)
    {
        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        var own = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, value) in headers)
        {
            if (name.StartsWith(Prefix, StringComparison.Ordinal))
                properties[name[Prefix.Length..]] = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            else if (name.StartsWith(HeaderPrefix, StringComparison.Ordinal))
                own[name[HeaderPrefix.Length..]] = value;
        }

        return new MessageProperties
        {
            MessageId = properties.GetValueOrDefault("message-id"),
            CorrelationId = properties.GetValueOrDefault("correlation-id"),
            ReplyTo = properties.GetValueOrDefault("reply-to"),
            ContentType = properties.GetValueOrDefault("content-type"),
            ContentEncoding = properties.GetValueOrDefault("content-encoding"),
            Type = properties.GetValueOrDefault("type"),
            AppId = properties.GetValueOrDefault("app-id"),
            Timestamp = properties.TryGetValue("timestamp", out var text) ? DateTimeOffset.FromUnixTimeSeconds(long.Parse(text, CultureInfo.InvariantCulture)) : null,
            Priority = properties.TryGetValue("priority", out var priority) ? byte.Parse(priority, CultureInfo.InvariantCulture) : null,
            Headers = own,
        };
    }

    private static IEnumerable<(string Name, string? Value)> Properties(MessageProperties from) =>
    [
        ("message-id", from.MessageId), ("correlation-id", from.CorrelationId), ("reply-to", from.ReplyTo), ("content-type", from.ContentType),
        ("content-encoding", from.ContentEncoding), ("type", from.Type), ("app-id", from.AppId),
        ("timestamp", from.Timestamp?.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)),
        ("priority", from.Priority?.ToString(CultureInfo.InvariantCulture)),
    ];
}
