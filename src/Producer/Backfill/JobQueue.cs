using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Backfill;

/// <summary>A job's own queue: copies of its answers and of dead letters, kept while no producer runs. It takes nothing from anybody.</summary>
internal static class JobQueue
{
    /// <summary>A queue that no producer has asked for in so long is forgotten by the broker; unanswered items are then published again.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(28);

    private const int ResourceLocked = 405;

    /// <summary>A connection that broke, of ours or of a producer that was killed, may live on at the broker for so long.</summary>
    private static readonly TimeSpan Lingering = TimeSpan.FromSeconds(5);

    /// <summary>Declares and binds it. If it is gone although something was published, everything unanswered is to be published again.</summary>
    /// <returns>Whether it was gone.</returns>
    /// <exception cref="ProducerException">There is no exchange to bind it to.</exception>
    public static async Task<bool> EnsureAsync(IConnection connection, JobFile job, CancellationToken cancellation)
    {
        var lost = job.Watermark > 0 && !await ExistsAsync(connection, job.Queue, cancellation);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
        try
        {
            var arguments = Topology.StorageQueueArguments.ToDictionary(pair => pair.Key, pair => (object?)pair.Value);
            arguments["x-expires"] = (long)Forgotten.TotalMilliseconds;
            await channel.QueueDeclareAsync(job.Queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellation);
            await channel.QueueBindAsync(job.Queue, Topology.ResultsExchange, $"*.*.{Topology.Word(job.Settings.Job)}", cancellationToken: cancellation);
            await channel.QueueBindAsync(job.Queue, Topology.DeadExchange, "", cancellationToken: cancellation);
        }
        catch (OperationInterruptedException error) when (error.ShutdownReason?.ReplyCode == 404)
        {
            throw TopologyCheck.Missing($"the exchange '{Topology.ResultsExchange}' or '{Topology.DeadExchange}' does not exist", error);
        }

        if (lost)
            job.Rewind();
        return lost;
    }

    /// <summary>Takes from it, alone: a queue that only one connection may have is the lease between machines that each have a copy of the job file.</summary>
    /// <exception cref="ProducerException">Another producer has it, and keeps it.</exception>
    public static async Task<(IChannel Channel, ChannelReader<Arrival> Arrivals)> TakeFromAsync(
        IConnection connection, JobFile job, TimeProvider time, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
            try
            {
                await channel.QueueDeclareAsync(job.Queue + ".lease", durable: false, exclusive: true, autoDelete: false, cancellationToken: cancellation);
                return (channel, await new ArrivalReader(channel, job.Queue).SubscribeAsync(AnswerTracker.Prefetch, cancellation));
            }
            catch (OperationInterruptedException error) when (error.ShutdownReason?.ReplyCode == ResourceLocked)
            {
                await channel.DisposeAsync();
                if (time.GetElapsedTime(started) > Lingering)
                    throw new ProducerException(ExitCode.JobFile, "another producer runs this job from another copy of its file", error);
                await Task.Delay(TimeSpan.FromMilliseconds(500), time, cancellation);
            }
            catch
            {
                await channel.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>Deletes it, if it is there.</summary>
    public static async Task DeleteAsync(IConnection connection, JobFile job, CancellationToken cancellation)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
        await channel.QueueDeleteAsync(job.Queue, ifUnused: false, ifEmpty: false, cancellationToken: cancellation);
    }

    private static async Task<bool> ExistsAsync(IConnection connection, string queue, CancellationToken cancellation)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
        try
        {
            await channel.QueueDeclarePassiveAsync(queue, cancellation);
            return true;
        }
        catch (OperationInterruptedException error) when (error.ShutdownReason?.ReplyCode == 404)
        {
            return false;
        }
    }
}
