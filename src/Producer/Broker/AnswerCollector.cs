using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Producer.Printing;
using VlWorker.Producer.Requests;

namespace VlWorker.Producer.Broker;

/// <summary>Pairs requests with the answers that come to a private queue, and keeps a bounded number of requests unanswered.</summary>
/// <param name="channel">The channel that the answers come by.</param>
/// <param name="arrivals">The answers.</param>
/// <param name="writer">Shows them.</param>
/// <param name="window">Unanswered requests at most.</param>
/// <param name="terminal">For warnings and the clock.</param>
internal sealed class AnswerCollector(
    IChannel channel, ChannelReader<Arrival> arrivals, IAnswerWriter writer, int window, Terminal terminal) : IDisposable
{
    private readonly ConcurrentDictionary<string, long> _pending = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _places = new(window);
    private long _answered;

    /// <summary>Answers that were rejections.</summary>
    public long Rejections { get; private set; }

    /// <summary>Passes requests on, each once there is room for its answer.</summary>
    public async IAsyncEnumerable<OutgoingRequest> ExpectAsync(
        IAsyncEnumerable<OutgoingRequest> requests, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var request in requests.WithCancellation(cancellation))
        {
            await _places.WaitAsync(cancellation);
            if (_pending.TryAdd(request.Id, request.Number))
            {
                yield return request;
                continue;
            }

            _places.Release();
            throw new ProducerException(ExitCode.Usage, $"request {request.Number} has the id {request.Id}, which another one waits for");
        }
    }

    /// <summary>Shows answers until every confirmed request has one.</summary>
    /// <param name="publishing">The run of publishing.</param>
    /// <param name="patience">The longest silence while answers are missing.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="ProducerException">Silence for too long, or the connection is gone.</exception>
    public async Task CollectAsync(Task<PublishReport> publishing, TimeSpan patience, CancellationToken cancellation)
    {
        while (!(publishing.IsCompleted && _answered >= (await publishing).Confirmed))
        {
            if (arrivals.TryRead(out var arrival))
            {
                await TakeAsync(arrival, cancellation);
                continue;
            }

            using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var delay = Task.Delay(patience, terminal.Time, silence.Token);
            var next = arrivals.WaitToReadAsync(silence.Token).AsTask();
            var first = await Task.WhenAny(publishing.IsCompleted ? [next, delay] : [next, delay, publishing]);
            if (first == next)
                await next;
            cancellation.ThrowIfCancellationRequested();
            if (first == delay && !_pending.IsEmpty)
                throw new ProducerException(ExitCode.TimedOut, $"no answer for {patience.TotalSeconds:0.#} s; {_pending.Count} missing");
            await silence.CancelAsync();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    private async Task TakeAsync(Arrival arrival, CancellationToken cancellation)
    {
        try
        {
            var answer = AnswerBody.Read(arrival.Body);
            if (_pending.TryRemove(answer.Id, out _))
            {
                writer.Write(arrival.Body);
                Rejections += answer.Rejection is null ? 0 : 1;
                _answered++;
                _places.Release();
            }
        }
        catch (JsonException error)
        {
            await terminal.Error.WriteLineAsync($"vl-producer: an answer could not be read: {error.Message}");
        }

        await channel.BasicAckAsync(arrival.Tag, multiple: false, cancellation);
    }
}
