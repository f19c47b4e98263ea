using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

/// <summary>Reads the control stream as any client can.</summary>
internal static class ControlStream
{
    /// <summary>The first cancellation on it.</summary>
    public static Task<CancelJob> FirstAsync(BrokerAccess broker) => broker.UseAsync(async channel =>
    {
        var first = new TaskCompletionSource<CancelJob>(TaskCreationOptions.RunContinuationsAsynchronously);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            first.TrySetResult(ContractsJson.Read<CancelJob>(delivery.Body.Span));
            return Task.CompletedTask;
        };
        await channel.BasicQosAsync(0, 1, global: false);
        var arguments = new Dictionary<string, object?> { ["x-stream-offset"] = "first" };
        var tag = await channel.BasicConsumeAsync(Topology.ControlQueue, autoAck: false, "", noLocal: false, exclusive: false, arguments, consumer);
        var cancellation = await first.Task.WaitAsync(Eventually.DefaultTimeout);
        await channel.BasicCancelAsync(tag);
        return cancellation;
    });
}
