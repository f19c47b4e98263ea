using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace VlWorker.Producer.Broker;

/// <summary>Each published request as a span, sent to the OpenTelemetry collector that the standard's variables name (OTEL_EXPORTER_OTLP_ENDPOINT).</summary>
internal static class Tracing
{
    private static readonly ActivitySource Source = new("VlProducer");
    private static readonly string[] Variables = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

    /// <summary>Starts to export; null where no collector is named. Disposing sends what is left.</summary>
    public static IDisposable? Export() => Variables.Any(name => Environment.GetEnvironmentVariable(name) is { Length: > 0 })
        ? Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => resource.AddService("vl-producer").AddEnvironmentVariableDetector())
            .AddSource(Source.Name)
            .AddOtlpExporter()
            .Build()
        : null;

    /// <summary>Starts the span of one request, below a W3C trace context if one is given; null while nobody exports.</summary>
    public static Activity? StartPublish(string routingKey, string id, string? traceParent)
    {
        _ = ActivityContext.TryParse(traceParent, traceState: null, isRemote: true, out var parent);
        return Source.StartActivity($"{Contracts.Topology.RequestsExchange} publish", ActivityKind.Producer, parent)?
            .SetTag("messaging.system", "rabbitmq")
            .SetTag("messaging.operation.type", "send")
            .SetTag("messaging.destination.name", Contracts.Topology.RequestsExchange)
            .SetTag("messaging.rabbitmq.destination.routing_key", routingKey)
            .SetTag("messaging.message.id", id);
    }
}
