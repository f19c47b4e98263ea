using System.Collections.Frozen;
using System.Text;

namespace VlWorker.Publishing;

/// <summary>The AMQP properties that the worker reads or writes, for every transport alike.</summary>
internal sealed record MessageProperties
{
    private static readonly FrozenDictionary<string, object?> None = FrozenDictionary<string, object?>.Empty;

    public string? MessageId { get; init; }

    public string? CorrelationId { get; init; }

    public string? ReplyTo { get; init; }

    public string? ContentType { get; init; }

    public string? ContentEncoding { get; init; }

    public string? Type { get; init; }

    public string? AppId { get; init; }

    /// <summary>When the message was published, in whole seconds.</summary>
    public DateTimeOffset? Timestamp { get; init; }

    public byte? Priority { get; init; }

    /// <summary>Headers as AMQP tables hold them: texts arrive as UTF-8 byte arrays.</summary>
    public IReadOnlyDictionary<string, object?> Headers { get; init; } = None;

    /// <summary>A header's text, or null.</summary>
    public string? Text(string header) => Headers.GetValueOrDefault(header) switch
    {
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        string text => text,
        _ => null,
    };

    /// <summary>A header's whole number, whichever integer type the sender's client used; 0 if there is none.</summary>
    public long Number(string header) => Headers.GetValueOrDefault(header) switch
    {
        null => 0,
        byte[] or string => long.TryParse(Text(header), out var parsed) ? parsed : 0,
        IConvertible value and (byte or sbyte or short or ushort or int or uint or long) => value.ToInt64(null),
        _ => 0,
    };

    /// <summary>These properties for another passage through the broker, with the given headers set.</summary>
    /// <remarks>Left out is what the broker or the client wrote, and what would route or expire the copy on its own.</remarks>
    public MessageProperties ForCopy(params ReadOnlySpan<KeyValuePair<string, object?>> set)
    {
        var headers = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, value) in Headers)
        {
            if (!IsTransports(name))
                headers[name] = value;
        }

        foreach (var (name, value) in set)
            headers[name] = value;
        return this with { Headers = headers };
    }

    private static bool IsTransports(string header) =>
        header is "x-death" or "x-delivery-count" or "x-acquired-count" or "CC" or "BCC" or "x-dotnet-pub-seq-no"
        || header.StartsWith("x-first-death-", StringComparison.Ordinal) || header.StartsWith("x-last-death-", StringComparison.Ordinal);
}
