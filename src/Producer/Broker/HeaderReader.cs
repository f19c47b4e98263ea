using System.Collections;
using System.Globalization;
using System.Text;
using RabbitMQ.Client;

namespace VlWorker.Producer.Broker;

/// <summary>Reads AMQP headers, whatever client wrote them.</summary>
internal static class HeaderReader
{
    /// <summary>A header's text, or null.</summary>
    public static string? Text(this IReadOnlyBasicProperties properties, string name) => Text(properties.Headers, name);

    /// <summary>A header's whole number; 0 if there is none.</summary>
    public static long Number(this IReadOnlyBasicProperties properties, string name) =>
        long.TryParse(Text(properties.Headers, name), CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>An entry's text in a table, or null.</summary>
    public static string? Text(IDictionary<string, object?>? table, string name) =>
        table is not null && table.TryGetValue(name, out var value) && value is not null ? Show(value) : null;

    /// <summary>A moment; null for what is none. Some clients write milliseconds in place of seconds.</summary>
    public static DateTimeOffset? Time(AmqpTimestamp stamp)
    {
        const long Latest = 100_000_000_000;
        var seconds = stamp.UnixTime > Latest ? stamp.UnixTime / 1000 : stamp.UnixTime;
        return seconds is > 0 and < Latest ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
    }

    /// <summary>A value for a person.</summary>
    public static string Show(object? value) => value switch
    {
        null => "",
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        string text => text,
        AmqpTimestamp stamp => Time(stamp)?.ToString("u", CultureInfo.InvariantCulture) ?? stamp.UnixTime.ToString(CultureInfo.InvariantCulture),
        IDictionary<string, object?> table => $"{{{string.Join(", ", table.Select(pair => $"{pair.Key}: {Show(pair.Value)}"))}}}",
        IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Select(Show))}]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
