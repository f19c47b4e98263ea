using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Backfill;

/// <summary>Looks at a job, pauses or cancels it, whether a producer runs it at the moment or not.</summary>
internal sealed class JobControlRun(Terminal terminal, string path)
{
    /// <summary>Shows how far the job is.</summary>
    public async Task<int> StatusAsync()
    {
        using var job = JobFile.Open(path);
        bool running;
        using (var lease = JobLease.TryTake(path))
            running = lease is null;
        var (listed, unanswered) = (job.Items.Count, job.Unanswered);
        var waiting = job.Items.CountPending(job.Watermark);
        await using var output = new StreamWriter(terminal.Output, leaveOpen: true);
        await Line(output, "job", job.Settings.Job);
        await Line(output, "source", job.Settings.Source.ToString());
        await Line(output, "state", $"{Word(job, unanswered)}{(running ? ", a producer runs it" : "")}");
        await Line(output, "listed", $"{listed:N0}{(job.IsListed ? "" : " so far")}");
        await Line(output, "unpublished", $"{waiting:N0}");
        await Line(output, "in flight", $"{Math.Max(0, unanswered - waiting):N0}");
        var outcomes = job.Outcomes.All().Where(outcome => outcome.Count > 0);
        foreach (var outcome in outcomes.GroupBy(outcome => outcome.Kind == OutcomeKind.Described ? outcome.Kind : $"{outcome.Kind}: {outcome.Detail}"))
            await Line(output, outcome.Key, $"{outcome.Sum(part => part.Count):N0}");
        if (job.WorkingSeconds > 0)
            await Line(output, "throughput", $"{job.Outcomes.Settled / job.WorkingSeconds:N1} images/s");
        return ExitCode.Success;
    }

    /// <summary>Pauses it.</summary>
    public async Task<int> PauseAsync()
    {
        using var job = JobFile.Open(path);
        if (job.Control == JobControl.Cancelled)
            throw new ProducerException(ExitCode.Usage, "the job is cancelled");
        job.Command(JobControl.Paused);
        await SayAsync($"paused; 'backfill resume {path}' goes on");
        return ExitCode.Success;
    }

    /// <summary>Cancels it: first in the file, so that nothing more is published, then at the workers.</summary>
    public async Task<int> CancelAsync(BrokerAddress address, CancellationToken cancellation)
    {
        using var job = JobFile.Open(path);
        await using var connection = await BrokerConnection.OpenAsync(address, "cancel", cancellation);
        job.Command(JobControl.Cancelled);
        await SendAsync(connection, job.Settings.Job, cancellation);
        using var lease = JobLease.TryTake(path);
        if (lease is null)
            await SayAsync("cancelled; the producer that runs the job takes the remaining answers");
        else
        {
            var dropped = job.DropUnpublished();
            await SayAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"cancelled: {dropped:N0} were not published, workers reject what is left of {job.Unanswered:N0} in flight. --resume takes their answers"));
        }

        return ExitCode.Success;
    }

    /// <summary>Tells all workers.</summary>
    private async Task SendAsync(IConnection connection, string job, CancellationToken cancellation)
    {
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

    private static string Word(JobFile job, long unanswered) => job.Control switch
    {
        JobControl.Paused => "paused",
        JobControl.Cancelled => unanswered > 0 ? "cancelled, answers are missing" : "cancelled",
        _ when job.IsListed && unanswered == 0 && !job.IsComparing => "done",
        _ => "unfinished",
    };

    private static Task Line(StreamWriter output, string name, FormattableString text) => Line(output, name, text.ToString(CultureInfo.InvariantCulture));

    private static Task Line(StreamWriter output, string name, string text) => output.WriteLineAsync(Printing.Plain.Line($"{name,-28} {text}"));

    private Task SayAsync(string text) => terminal.Error.WriteLineAsync($"vl-producer: {text}");
}
