using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Telemetry;

/// <summary>How traces leave the worker.</summary>
internal enum OtlpProtocol
{
    /// <summary>gRPC; collectors listen on port 4317.</summary>
    Grpc,

    /// <summary>Protobuf over HTTP/1.1; collectors listen on port 4318.</summary>
    HttpProtobuf,
}

/// <summary>What the worker tells of itself.</summary>
internal sealed record TelemetryOptions
{
    public static string Section => "Telemetry";

    [Description("Address of an OpenTelemetry collector that takes the traces, such as http://collector:4317. Empty: OTEL_EXPORTER_OTLP_ENDPOINT; without that, no traces are made.")]
    public string OtlpEndpoint { get; init; } = string.Empty;

    [Description("Protocol of OtlpEndpoint: Grpc or HttpProtobuf. With OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL says it.")]
    public OtlpProtocol OtlpProtocol { get; init; }

    [Description("Share of traces that are recorded, of messages that bring no trace context; one that does says so itself.")]
    [Range(0d, 1d)]
    public double TraceShare { get; init; } = 1;

    /// <summary>What is wrong with these settings.</summary>
    public IEnumerable<string> Check() => OtlpEndpoint.Length == 0 || (Uri.TryCreate(OtlpEndpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
        ? []
        : ["OtlpEndpoint is not an http address"];
}
