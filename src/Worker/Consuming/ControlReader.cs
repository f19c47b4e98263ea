using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>Reads the control stream from its beginning and follows it. Without it work goes on; it is tried again.</summary>
internal sealed class ControlReader(BrokerOptions options, CancelledJobs cancelled, TimeProvider time, ILogger<ControlReader> logger) : IAsyncDisposable
{
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _reading = Task.CompletedTask;
    private long _lastRead;

    /// <summary>Starts to read, and waits a moment for what was cancelled before this worker started.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        _reading = Task.Run(() => RunAsync(_stopping.Token), CancellationToken.None);
        try
        {
            await _caughtUp.Task.WaitAsync(Patience, time, cancellation);
        }
        catch (TimeoutException)
        {
            // Requests of a cancelled job may be served meanwhile, which does no harm.
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
            return;
        await _stopping.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await ReadAsync(stopping);
            }
            catch (Exception error) when (BrokerErrors.IsConnection(error))
            {
                Log.ControlNotRead(logger, BrokerErrors.Explain(error, options));
                await Task.Delay(RetryAfter, time, stopping);
            }
        }
    }

    private async Task ReadAsync(CancellationToken stopping)
    {
        await using var connection = await options.CreateFactory().CreateConnectionAsync($"{options.ConnectionName} control", stopping);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: stopping);
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        channel.ChannelShutdownAsync += (_, reason) =>
        {
            lost.TrySetException(new IOException(reason.ReplyText));
            return Task.CompletedTask;
        };
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            Take(delivery.Body.Span);
            await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        consumer.UnregisteredAsync += (_, _) =>
        {
            lost.TrySetException(new IOException("the stream was deleted"));
            return Task.CompletedTask;
        };
        _lastRead = time.GetTimestamp();
        await channel.BasicQosAsync(0, 100, global: false, stopping);
        await channel.BasicConsumeAsync(
            Topology.ControlQueue, autoAck: false, "", noLocal: false, exclusive: false, new Dictionary<string, object?> { ["x-stream-offset"] = "first" }, consumer, stopping);
        while (!lost.Task.IsCompleted && time.GetElapsedTime(Interlocked.Read(ref _lastRead)) < Silence)
            await Task.Delay(Silence / 4, time, stopping);
        _caughtUp.TrySetResult();
        await lost.Task.WaitAsync(stopping);
    }

    private void Take(ReadOnlySpan<byte> body)
    {
        Interlocked.Exchange(ref _lastRead, time.GetTimestamp());
        try
        {
            var cancellation = ContractsJson.Read<CancelJob>(body);
            cancelled.Add(cancellation);
            Log.JobCancelled(logger, cancellation.JobId, cancellation.CancelledAt);
        }
        catch (JsonException)
        {
            // Another version's message: not for this worker.
        }
    }
}
