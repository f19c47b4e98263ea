using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Hosting;
using VlWorker.Inference;
using VlWorker.Integration.Infrastructure;
using VlWorker.Integration.Messaging;

namespace VlWorker.Integration.EndToEnd;

/// <summary>A device that is lost to the process: the worker ends, to be started again, and the broker has every message still.</summary>
public sealed class DeviceLostTests(TestBroker broker) : IClassFixture<TestBroker>
{
    private const int Messages = 40;

    [Fact]
    public async Task The_worker_ends_with_3_and_the_next_one_finishes_its_messages()
    {
        using var published = new ManualResetEventSlim();
        var broken = new EchoModel();
        var first = await StartAsync(broken);
        broken.Always = () =>
        {
            published.Wait(Eventually.DefaultTimeout);
            throw new DeviceLostException("CUDA failure 719: unspecified launch failure");
        };
        for (var i = 0; i < Messages; i++)
            await broker.PublishAsync(Topology.RequestsExchange, Topology.InteractiveRoutingKey, Request(i));
        published.Set();

        Assert.Equal(WorkerHost.DeviceLostExitCode, await first.Exit.WaitAsync(TimeSpan.FromMinutes(1)));

        Assert.Contains("cuda:0 is lost", first.Worker.Services.GetRequiredService<WorkerLifecycle>().DeviceLost!.Message, StringComparison.Ordinal);
        await broker.WaitForCountAsync(Topology.InteractiveQueue, Messages);
        Assert.Equal(0u, await broker.CountAsync(Topology.ResultsQueue));
        var second = await StartAsync(new EchoModel());
        await broker.WaitForCountAsync(Topology.ResultsQueue, Messages);
        Assert.Equal(0u, await broker.CountAsync(Topology.DeadLettersQueue));
        second.Worker.Lifetime.StopApplication();
        Assert.Equal(0, await second.Exit.WaitAsync(TimeSpan.FromMinutes(1)));
    }

    /// <summary>A worker as the program composes it, but for its model and device.</summary>
    private async Task<(WebApplication Worker, Task<int> Exit)> StartAsync(EchoModel model)
    {
        var builder = WorkerHost.CreateBuilder(
        [
            $"--Broker:Uri={broker.Uri}", "--Store:Kind=Folder", $"--Store:Folder={Repository.At("samples")}", "--Store:FolderBucket=samples",
        ]);
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddWorker(WorkerOptions.Read(builder.Configuration));
        builder.Services.AddSingleton(new ModelRegistry([new Device("cuda:0", 1, 16, [model])]));
        var worker = builder.Build();
        var exit = WorkerHost.RunAsync(worker);
        await worker.Services.GetRequiredService<WorkerLifecycle>().Started.WaitAsync(TimeSpan.FromMinutes(1));
        return (worker, exit);
    }

    private static string Request(int i) => $$"""{"id":"lost-{{i}}","image":{"bucket":"samples","key":"0002.png"},"tasks":["caption"]}""";
}
