using RabbitMQ.Client;

namespace VlWorker.Publishing;

/// <summary>Translates between AMQP basic properties and <see cref="MessageProperties"/>.</summary>
/// <remarks>
/// Not carried: user-id, which the broker would refuse from another user's connection, and expiration, which would let a dead letter vanish.
/// </remarks>
internal static class RabbitMqProperties
{
    public static MessageProperties Read(IReadOnlyBasicProperties from) => new()
    {
        MessageId = NullIfEmpty(from.MessageId),
        CorrelationId = NullIfEmpty(from.CorrelationId),
        ReplyTo = NullIfEmpty(from.ReplyTo),
        ContentType = NullIfEmpty(from.ContentType),
        ContentEncoding = NullIfEmpty(from.ContentEncoding),
        Type = NullIfEmpty(from.Type),
        AppId = NullIfEmpty(from.AppId),
        Timestamp = from.IsTimestampPresent() ? FromUnix(from.Timestamp.UnixTime) : null,
        Priority = from.IsPriorityPresent() ? from.Priority : null,
        Headers = from.Headers is null ? new MessageProperties().Headers : new Dictionary<string, object?>(from.Headers, StringComparer.Ordinal),
    };

    /// <summary>Properties of a persistent message.</summary>
    public static BasicProperties Write(MessageProperties from)
    {
        var to = new BasicProperties { Persistent = true, Headers = new Dictionary<string, object?>(from.Headers) };
        if (from.MessageId is not null)
            to.MessageId = from.MessageId;
        if (from.CorrelationId is not null)
            to.CorrelationId = from.CorrelationId;
        if (from.ReplyTo is not null)
            to.ReplyTo = from.ReplyTo;
        if (from.ContentType is not null)
            to.ContentType = from.ContentType;
        if (from.ContentEncoding is not null)
            to.ContentEncoding = from.ContentEncoding;
        if (from.Type is not null)
            to.Type = from.Type;
        if (from.AppId is not null)
            to.AppId = from.AppId;
        if (from.Timestamp is { } time)
            to.Timestamp = new AmqpTimestamp(time.ToUnixTimeSeconds());
        if (from.Priority is { } priority)
            to.Priority = priority;
        return to;
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    /// <summary>Some clients write milliseconds; what is no time at all is taken for absent.</summary>
    private static DateTimeOffset? FromUnix(long value)
    {
        var seconds = value > 100_000_000_000 ? value / 1000 : value;
        return seconds is > 0 and < 100_000_000_000 ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
    }
}
