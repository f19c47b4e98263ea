using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Backfill;

/// <summary>Cancels a job: in its file, so that nothing more is published, and then at the workers where something may be queued.</summary>
internal sealed class JobCancelRun(Terminal terminal, string path)
{
    /// <summary>Cancels it, whether a producer runs it at the moment or not.</summary>
    /// <param name="address">The broker's address; asked for once the file says cancelled, since something may be wrong with it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ProducerException">Workers could not be told; in the file the job is cancelled all the same.</exception>
    public async Task<int> RunAsync(Func<BrokerAddress> address, CancellationToken cancellation)
    {
        using var job = JobFile.Open(path);
        if (await CancelAsync(job, cancellation) is not { } isRunning)
            return ExitCode.Success;
        var inFlight = string.Create(
            CultureInfo.InvariantCulture, $"what is queued of {Math.Max(0, job.Unanswered - job.Items.CountPending(job.Watermark)):N0} in flight");
        try
        {
            await TellAsync(address(), job.Settings.Job, cancellation);
        }
        catch (Exception error) when (Failure(error, cancellation) is { } failure)
        {
            throw new ProducerException(
                failure.ExitCode,
                $"workers could not be told and go on with {inFlight}: {failure.Message}. 'backfill cancel {path}' tells them when that is mended",
                error);
        }

        job.Cancellation.MarkTold();
        await SayAsync($"workers reject {inFlight}{(isRunning ? "" : "; --resume takes their answers")}");
        return ExitCode.Success;
    }

    /// <summary>Cancels it in the file. Whether a producer runs it; null if nothing can be queued.</summary>
    private async Task<bool?> CancelAsync(JobFile job, CancellationToken cancellation)
    {
        using var lease = await JobLease.TryTakeAsync(path, terminal.Time, cancellation);
        var isQueued = job.Cancellation.Begin(isRunning: lease is null);
        await SayAsync(lease is null ? "cancelled: the producer that runs the job publishes no more and takes the remaining answers"
            : string.Create(CultureInfo.InvariantCulture, $"cancelled: {job.Cancellation.DropUnpublished():N0} were not published")
                + (isQueued ? "" : "; nothing is queued, so workers need not know"));
        return isQueued ? lease is null : null;
    }

    private async Task TellAsync(BrokerAddress address, string job, CancellationToken cancellation)
    {
        await using var connection = await BrokerConnection.OpenAsync(address, "cancel", cancellation);
        await using var channel = await connection.CreateChannelAsync(RequestPublisher.ChannelOptions, cancellation);
        var message = new CancelJob { JobId = job, CancelledAt = terminal.Time.GetUtcNow() };
        var properties = new BasicProperties
        {
            ContentType = "application/json",
            DeliveryMode = DeliveryModes.Persistent,
            Type = nameof(CancelJob),
            AppId = "vl-producer",
        };
        try
        {
            await channel.BasicPublishAsync(Topology.ControlExchange, "", mandatory: true, properties, ContractsJson.Write(message), cancellation);
        }
        catch (Exception error) when (error
            is PublishReturnException or OperationInterruptedException { ShutdownReason.ReplyCode: 404 } or AlreadyClosedException)
        {
            throw TopologyCheck.Missing($"the exchange '{Topology.ControlExchange}' or its stream does not exist", error);
        }
    }

    /// <summary>What keeps workers from being told; null for what has nothing to do with the broker.</summary>
    private static ProducerException? Failure(Exception error, CancellationToken cancellation) => error switch
    {
        ProducerException known => known,
        RabbitMQClientException or IOException or TimeoutException => Lost(error),
        OperationCanceledException when !cancellation.IsCancellationRequested => Lost(error),
        _ => null,
    };

    private static ProducerException Lost(Exception error) => new(ExitCode.Broker, BrokerConnection.Explain(error), error);

    private Task SayAsync(string text) => terminal.Error.WriteLineAsync($"vl-producer: {text}");
}
