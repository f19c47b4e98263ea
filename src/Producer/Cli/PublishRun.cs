using System.Globalization;
using System.Runtime.CompilerServices;
using RabbitMQ.Client;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Printing;
using VlWorker.Producer.Requests;

namespace VlWorker.Producer.Cli;

/// <summary>Connects, publishes, waits for answers if asked to, and sums up.</summary>
internal sealed class PublishRun(Terminal terminal, BrokerAddress address, PublishSettings settings)
{
    private long _invalid;
    private long _valid;
    private string? _firstId;

    /// <summary>Runs to the end and returns the exit code.</summary>
    /// <param name="requests">Each makes a request, or throws <see cref="InvalidRequestException"/>: that one is reported and left out.</param>
    /// <param name="cancellation">Stops publishing; what is on its way is still waited for.</param>
    public async Task<int> RunAsync(IAsyncEnumerable<Func<OutgoingRequest>> requests, CancellationToken cancellation)
    {
        await using var connection = await BrokerConnection.OpenAsync(address, "publish", cancellation);
        if (await TopologyCheck.RequestsAsync(connection, settings.Lane, cancellation) is { } warning)
            await SayAsync($"warning: {warning}");
        await using var channel = await connection.CreateChannelAsync(RequestPublisher.ChannelOptions, cancellation);
        var started = terminal.Time.GetTimestamp();
        if (settings.Wait)
            return await WithAnswersAsync(connection, channel, ValidAsync(requests, cancellation), started, cancellation);
        var publisher = new RequestPublisher(channel, settings.Window, null, settings.TraceParent, terminal.Time);
        var report = await publisher.RunAsync(ValidAsync(requests, cancellation), cancellation);
        return await FinishAsync(report, started, 0);
    }

    private async Task<int> WithAnswersAsync(
        IConnection connection, IChannel channel, IAsyncEnumerable<OutgoingRequest> requests, long started, CancellationToken cancellation)
    {
        await using var replies = await connection.CreateChannelAsync(cancellationToken: cancellation);
        var queue = await replies.QueueDeclareAsync(cancellationToken: cancellation);
        var prefetch = (ushort)Math.Min(settings.Window, ushort.MaxValue);
        var arrivals = await new ArrivalReader(replies, queue.QueueName).SubscribeAsync(prefetch, cancellation);
        using var collector = new AnswerCollector(replies, arrivals, AnswerWriters.Create(settings.Format, terminal), settings.Window, terminal);
        var publisher = new RequestPublisher(channel, settings.Window, queue.QueueName, settings.TraceParent, terminal.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var publishing = publisher.RunAsync(collector.ExpectAsync(requests, stop.Token), stop.Token);
        try
        {
            await collector.CollectAsync(publishing, settings.Patience, cancellation);
        }
        catch
        {
            // Nobody would see the answers of what is still unpublished.
            await stop.CancelAsync();
            await SumUpAsync(await publishing, started);
            throw;
        }

        return await FinishAsync(await publishing, started, collector.Rejections, "answered");
    }

    private async IAsyncEnumerable<OutgoingRequest> ValidAsync(
        IAsyncEnumerable<Func<OutgoingRequest>> requests, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var make in requests.WithCancellation(cancellation))
        {
            OutgoingRequest? request = null;
            try
            {
                request = make();
            }
            catch (InvalidRequestException error)
            {
                _invalid++;
                await SayAsync($"request {error.Number} is not valid and is left out: {error.Message}");
            }

            if (request is null)
                continue;
            if (_valid++ == 0)
                _firstId = request.Id;
            yield return request;
        }
    }

    private async Task<int> FinishAsync(PublishReport report, long started, long rejections, string state = "confirmed")
    {
        await SumUpAsync(report, started, state);
        if (report.Failure is not null)
            return report.Failure.ExitCode;
        return _invalid > 0 ? ExitCode.Usage : rejections > 0 ? ExitCode.Rejected : ExitCode.Success;
    }

    private async Task SumUpAsync(PublishReport report, long started, string state = "confirmed")
    {
        var took = terminal.Time.GetElapsedTime(started).TotalSeconds;
        var rate = report.Confirmed / Math.Max(took, 1e-3);
        var what = report.Confirmed == 1 && _valid == 1 ? $"request {_firstId}" : report.Confirmed.ToString("N0", CultureInfo.InvariantCulture);
        await SayAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{what} published and {state} in {took:0.0} s ({rate:N0}/s){(_invalid > 0 ? $", {_invalid:N0} not valid" : "")}"));
        if (report.Failure is { } failure)
            await SayAsync(failure.Message);
        if (report.FirstLost is { } lost)
            await SayAsync($"all before request {lost} are confirmed; --skip {lost - 1} takes a list up again from there");
    }

    private Task SayAsync(string text) => terminal.Error.WriteLineAsync($"vl-producer: {Plain.Line(text)}");
}

/// <summary>How a run of publishing goes, whatever it publishes.</summary>
/// <param name="Lane">Routing key of the requests.</param>
/// <param name="Window">Requests unconfirmed, or with <paramref name="Wait"/> unanswered, at a time at most.</param>
/// <param name="Wait">Whether to wait for the answers and show them.</param>
/// <param name="Patience">The longest silence while answers are missing.</param>
/// <param name="Format">Form of the answers, or null for the default.</param>
/// <param name="TraceParent">W3C trace context, or null.</param>
internal sealed record PublishSettings(string Lane, int Window, bool Wait, TimeSpan Patience, string? Format, string? TraceParent);
