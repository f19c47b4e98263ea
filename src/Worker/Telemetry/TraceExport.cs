using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace VlWorker.Telemetry;

/// <summary>Sends the worker's spans to an OpenTelemetry collector, if one is named. What is not sent yet goes out at the end.</summary>
internal sealed class TraceExport(TelemetryOptions options) : IHostedService, IDisposable
{
    private const string TracesPath = "v1/traces";

    // The standard's own names; the exporter reads these and their like (headers, protocol, time-outs) by itself.
    private static readonly string[] Variables = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

    private TracerProvider? _provider;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.OtlpEndpoint.Length == 0 && !Variables.Any(name => Environment.GetEnvironmentVariable(name) is { Length: > 0 }))
            return Task.CompletedTask;
        var builder = Sdk.CreateTracerProviderBuilder()
            // Variables last: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
            .ConfigureResource(resource => resource.AddService("vl-worker").AddEnvironmentVariableDetector())
            .AddSource(Tracing.Source.Name)
            .AddOtlpExporter(Configure);
        // Left alone, OTEL_TRACES_SAMPLER decides, and without it all traces are recorded.
        if (options.TraceShare < 1)
            builder.SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(options.TraceShare)));
        _provider = builder.Build();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => _provider?.Dispose();

    private void Configure(OtlpExporterOptions exporter)
    {
        if (options.OtlpEndpoint.Length == 0)
            return;
        var address = new Uri(options.OtlpEndpoint);
        exporter.Protocol = options.OtlpProtocol == OtlpProtocol.Grpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        // An address given here is taken as it is: over HTTP it has to name the path, which the variables need not.
        exporter.Endpoint = options.OtlpProtocol == OtlpProtocol.Grpc || address.AbsolutePath.EndsWith(TracesPath, StringComparison.Ordinal)
            ? address
            : new Uri($"{options.OtlpEndpoint.TrimEnd('/')}/{TracesPath}");
    }
}
