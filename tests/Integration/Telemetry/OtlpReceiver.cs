using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VlWorker.Integration.Telemetry.Otlp;

namespace VlWorker.Integration.Telemetry;

/// <summary>A span that arrived.</summary>
/// <param name="Service">service.name of its resource.</param>
/// <param name="Span">As it came over the wire.</param>
internal sealed record ReceivedSpan(string Service, Span Span)
{
    public string Trace { get; } = Hex(Span.TraceId);

    public string Id { get; } = Hex(Span.SpanId);

    public string Parent { get; } = Hex(Span.ParentSpanId);

    /// <summary>An attribute as text; null without it.</summary>
    public string? Tag(string key) => Span.Attributes.FirstOrDefault(attribute => attribute.Key == key)?.Value switch
    {
        null => null,
        { HasStringValue: true } value => value.StringValue,
        { HasIntValue: true } value => $"{value.IntValue}",
        var value => value.ToString(),
    };

    private static string Hex(Google.Protobuf.ByteString bytes) => Convert.ToHexStringLower(bytes.Span);
}

/// <summary>An OpenTelemetry collector's two doors for traces, gRPC and protobuf over HTTP, on loopback ports that the system chooses.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    /// <summary>What gRPC puts before each message: a flag for compression, and four bytes of length.</summary>
    private const int GrpcPrefix = 5;

    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private readonly WebApplication _application;

    private OtlpReceiver(WebApplication application) => _application = application;

    /// <summary>Everything that has arrived.</summary>
    public IReadOnlyCollection<ReceivedSpan> Spans => _spans;

    /// <summary>Address for gRPC.</summary>
    public string Grpc { get; private set; } = string.Empty;

    /// <summary>Address for protobuf over HTTP/1.1.</summary>
    public string Http { get; private set; } = string.Empty;

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        });
        var receiver = new OtlpReceiver(builder.Build());
        receiver._application.MapPost("/v1/traces", receiver.TakeHttpAsync);
        receiver._application.MapPost("/opentelemetry.proto.collector.trace.v1.TraceService/Export", receiver.TakeGrpcAsync);
        await receiver._application.StartAsync();
        var addresses = receiver._application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        (receiver.Grpc, receiver.Http) = (addresses[0], addresses[1]);
        return receiver;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task TakeHttpAsync(HttpContext context)
    {
        Keep(await ReadAsync(context.Request));
        context.Response.ContentType = "application/x-protobuf";
    }

    private async Task TakeGrpcAsync(HttpContext context)
    {
        var body = await ReadAsync(context.Request);
        Keep(body.AsSpan(GrpcPrefix, checked((int)BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(1)))).ToArray());
        context.Response.ContentType = "application/grpc";
        context.Response.AppendTrailer("grpc-status", "0");
        await context.Response.Body.WriteAsync(new byte[GrpcPrefix]);
    }

    private static async Task<byte[]> ReadAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    private void Keep(byte[] request)
    {
        foreach (var resource in ExportTraceServiceRequest.Parser.ParseFrom(request).ResourceSpans)
        {
            var service = resource.Resource.Attributes.Single(attribute => attribute.Key == "service.name").Value.StringValue;
            foreach (var span in resource.ScopeSpans.SelectMany(scope => scope.Spans))
                _spans.Enqueue(new ReceivedSpan(service, span));
        }
    }
}
