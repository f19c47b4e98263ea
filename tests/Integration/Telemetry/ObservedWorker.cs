using System.Diagnostics;
using VlWorker.Contracts;
using VlWorker.Integration.EndToEnd;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Telemetry;

/// <summary>A worker as a process on a real broker and a real store, which sends its traces to a receiver and logs everything that it can.</summary>
public sealed class ObservedWorker : IAsyncLifetime
{
    private static readonly TimeSpan Limit = Eventually.DefaultTimeout;

    public TestBroker Broker { get; } = new();

    public TestStore Store { get; } = new();

    public WorkerProcess Worker { get; private set; } = null!;

    public Client Client { get; private set; } = null!;

    internal OtlpReceiver Receiver { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Receiver = await OtlpReceiver.StartAsync();
        await Broker.InitializeAsync();
        await Store.InitializeAsync();
        await Store.PutAsync("good.jpg", BadImages.Jpeg);
        await Store.PutAsync("text.jpg", "This is no image, whatever its name says."u8.ToArray());
        Worker = await WorkerProcess.StartAsync(Broker.Uri, Store.Owner, [Store.Bucket], new Dictionary<string, string>
        {
            ["Telemetry:OtlpEndpoint"] = Receiver.Http,
            ["Telemetry:OtlpProtocol"] = "HttpProtobuf",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
            ["Consuming:MaxAttempts"] = "1",
            // Messages that come together share a batch.
            ["Batching:Window"] = "Fixed",
            ["Batching:MaxWaitMs"] = "300",
            ["Logging:LogLevel:Default"] = "Trace",
            ["Logging:LogLevel:Microsoft"] = "Trace",
            ["Logging:LogLevel:MassTransit"] = "Trace",
            ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "Information",
        });
        Client = await Client.ConnectAsync(Broker);
    }

    public async Task DisposeAsync()
    {
        await Client.DisposeAsync();
        await Worker.DisposeAsync();
        await Store.DisposeAsync();
        await Broker.DisposeAsync();
        await Receiver.DisposeAsync();
    }

    /// <summary>Publishes with vl-producer, whose traces go to the receiver too, over gRPC; returns the answer as it printed it.</summary>
    public async Task<string> ProduceAsync(string id, string key)
    {
        var program = Repository.At("src", "Producer", "bin", Repository.Configuration, "net10.0", "vl-producer.dll");
        var start = new ProcessStartInfo("dotnet", [program, "publish", "--id", id, "--job", "job-7", "--bucket", Store.Bucket, "--key", key, "--wait"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["VLWORKER_BROKER_URI"] = Broker.Uri.ToString();
        start.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = Receiver.Grpc;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Limit);
        Assert.True(process.ExitCode is 0 or 5, await output + await errors);
        return await output;
    }

    /// <summary>Publishes requests that nobody traces, and waits for their answers.</summary>
    public async Task DescribeAsync(params string[] ids)
    {
        foreach (var id in ids)
            await Client.PublishAsync(new DescribeImage { Id = id, JobId = "job-8", Image = new ImageReference { Bucket = Store.Bucket, Key = "good.jpg" } });
        await Client.AwaitAsync(ids);
    }
}
