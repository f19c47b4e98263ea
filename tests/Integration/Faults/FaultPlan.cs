using System.Globalization;
using System.Text;

namespace VlWorker.Integration.Faults;

/// <summary>What a <see cref="FaultProxy"/> does to the traffic. Bytes and pauses count anew with everything the client sends.</summary>
public sealed record FaultPlan
{
    /// <summary>Passes everything on.</summary>
    public static readonly FaultPlan None = new();

    /// <summary>Chooses by the first line of what the client sends (for HTTP the request line); null takes all of it. May count.</summary>
    public Func<string, bool>? Matches { get; init; }

    /// <summary>Chooses connections by the first kilobytes that the client sent on them (with AMQP they hold the connection's name); null takes all.</summary>
    public Func<string, bool>? Connections { get; init; }

    /// <summary>Passes nothing on that the client sends, and keeps the connection.</summary>
    public bool Freeze { get; init; }

    /// <summary>Pause before the first byte of the answer.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Bytes of the answer after which no more comes, though the connection stays.</summary>
    public long? StallAfter { get; init; }

    /// <summary>After <see cref="StallAfter"/> bytes the rest comes byte by byte, one this often, instead of not at all.</summary>
    public TimeSpan? Trickle { get; init; }

    /// <summary>Bytes of the answer after which the connection is closed.</summary>
    public long? CutAfter { get; init; }

    /// <summary>Closes by a reset instead of in order.</summary>
    public bool Reset { get; init; }

    /// <summary>What the client gets in place of the server's answer; the server hears nothing.</summary>
    public ReadOnlyMemory<byte>? Answer { get; init; }

    /// <summary>An S3 error as the answer.</summary>
    public static FaultPlan Status(int status, string code, Func<string, bool>? matches = null) => new()
    {
        Matches = matches,
        Answer = Http(status, $"""<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><RequestId>1</RequestId></Error>""", "Content-Type: application/xml"),
    };

    /// <summary>An HTTP/1.1 answer with Content-Length.</summary>
    public static ReadOnlyMemory<byte> Http(int status, string body, params string[] headers) => Encoding.UTF8.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Scripted\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n")
        + string.Concat(headers.Select(static header => header + "\r\n")) + "\r\n" + body);
}
