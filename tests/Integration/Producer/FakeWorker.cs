using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

/// <summary>Answers every request at once, as a worker does but without a look at any image: keys with "bad" in them are rejected.</summary>
internal sealed class FakeWorker : IAsyncDisposable
{
    private static readonly string Hash = new('a', 64);
    private readonly IConnection _connection;
    private readonly IChannel _channel;
    private readonly ConcurrentQueue<DescribeImage> _requests = new();
    private int _backfilled;

    private FakeWorker(IConnection connection, IChannel channel) => (_connection, _channel) = (connection, channel);

    /// <summary>Revision of the model that answers backfills.</summary>
    public string Revision { get; set; } = Hash;

    /// <summary>Revisions of models that have one of their own, by alias.</summary>
    public ConcurrentDictionary<string, string> Revisions { get; } = new();

    /// <summary>The requests of the backfill lane so far.</summary>
    public IReadOnlyCollection<DescribeImage> Requests => _requests;

    /// <summary>Requests of the backfill lane answered so far.</summary>
    public int Backfilled => Volatile.Read(ref _backfilled);

    /// <summary>Starts to answer.</summary>
    /// <param name="broker">The broker.</param>
    /// <param name="copies">How often each answer is sent: delivery is at least once.</param>
    public static async Task<FakeWorker> StartAsync(BrokerAccess broker, int copies = 1)
    {
        var connection = await broker.ConnectAsync();
        var worker = new FakeWorker(connection, await connection.CreateChannelAsync());
        await worker._channel.BasicQosAsync(0, 100, global: false);
        foreach (var queue in Topology.RequestQueues)
        {
            var consumer = new AsyncEventingBasicConsumer(worker._channel);
            consumer.ReceivedAsync += (_, delivery) => worker.AnswerAsync(delivery, copies);
            await worker._channel.BasicConsumeAsync(queue.Name, autoAck: false, consumer);
        }

        return worker;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _channel.DisposeAsync();
        await _connection.DisposeAsync();
    }

    /// <summary>A result for an image.</summary>
    public static ImageDescribed Result(string id, string key, string? jobId = null) => new()
    {
        Id = id,
        JobId = jobId,
        Image = new DescribedImage { Bucket = "photos", Key = key, Sha256 = Hash, Bytes = 1, Width = 1, Height = 1, Format = "png" },
        Outputs =
        [
            new Output
            {
                Task = Tasks.Caption,
                Model = new ModelReference { Alias = "captioner", Revision = Hash },
                ResultId = Hash,
                ContentId = Hash,
                Caption = new Caption { Text = $"a picture of {key}", Tokens = 5 },
            },
        ],
        Timings = new Timings { Fetch = 1, Decode = 1, BatchWait = 1, Inference = 1, BatchSize = 1 },
        ProducedAt = DateTimeOffset.UnixEpoch,
    };

    private async Task AnswerAsync(BasicDeliverEventArgs delivery, int copies)
    {
        var answer = Answer(delivery);
        if (delivery.RoutingKey == Topology.BackfillRoutingKey)
            await PublishAsync(ContractsJson.Read<DescribeImage>(delivery.Body.Span), answer, copies);
        for (var i = 0; i < copies && delivery.BasicProperties.ReplyTo is { Length: > 0 } queue; i++)
            await _channel.BasicPublishAsync("", queue, answer);
        await _channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
    }

    // What comes by the backfill lane is answered at the results exchange, as a worker does; keys with "dead" in them become dead letters.
    private async Task PublishAsync(DescribeImage request, byte[] answer, int copies)
    {
        _requests.Enqueue(request);
        Interlocked.Increment(ref _backfilled);
        var dead = request.Image!.Key!.Contains("dead", StringComparison.Ordinal);
        for (var i = 0; i < copies; i++)
        {
            if (dead)
            {
                var headers = new Dictionary<string, object?> { [Topology.DeadReasonHeader] = DeadLetterReason.AttemptsExhausted };
                await _channel.BasicPublishAsync(Topology.DeadExchange, "", mandatory: false, new BasicProperties { Headers = headers }, ContractsJson.Write(request));
            }
            else
            {
                await _channel.BasicPublishAsync(Topology.ResultsExchange, Topology.DescribedRoutingKey(Topology.BackfillRoutingKey, request.JobId), answer);
            }
        }
    }

    private byte[] Answer(BasicDeliverEventArgs delivery)
    {
        if (delivery.RoutingKey == Topology.TextRoutingKey)
            return TextAnswer(ContractsJson.Read<DescribeText>(delivery.Body.Span));
        var request = ContractsJson.Read<DescribeImage>(delivery.Body.Span);
        return request.Image!.Key!.Contains("bad", StringComparison.Ordinal)
            ? ContractsJson.Write(new ImageRejected
            {
                Id = request.Id!,
                JobId = request.JobId,
                Image = request.Image,
                Reason = RejectionReason.NotFound,
                Detail = "no object of this key",
                RejectedAt = DateTimeOffset.UnixEpoch,
            })
            : ContractsJson.Write(Result(request.Id!, request.Image.Key!, request.JobId) with
            {
                Outputs = [.. (request.Tasks ?? [Tasks.Caption]).Select(task => Output(request, task))],
            });
    }

    private Output Output(DescribeImage request, string task)
    {
        var alias = request.Models?.GetValueOrDefault(task) ?? task + "r";
        var model = new ModelReference { Alias = alias, Revision = Revisions.GetValueOrDefault(alias, Revision) };
        return Result(request.Id!, request.Image!.Key!).Outputs[0] with { Task = task, Model = model };
    }

    private static byte[] TextAnswer(DescribeText request) => ContractsJson.Write(new TextDescribed
    {
        Id = request.Id!,
        Model = new ModelReference { Alias = "clip", Revision = Hash },
        ResultId = Hash,
        Tokens = 4,
        Truncated = false,
        Embedding = new Embedding { Dimensions = 2, Values = [0.6f, 0.8f] },
        ProducedAt = DateTimeOffset.UnixEpoch,
    });
}
