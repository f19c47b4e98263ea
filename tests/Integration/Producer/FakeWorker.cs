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

    private FakeWorker(IConnection connection, IChannel channel) => (_connection, _channel) = (connection, channel);

    /// <summary>Starts to answer.</summary>
    /// <param name="broker">The broker.</param>
    /// <param name="copies">How often each answer is sent: delivery is at least once.</param>
    public static async Task<FakeWorker> StartAsync(TestBroker broker, int copies = 1)
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
        for (var i = 0; i < copies && delivery.BasicProperties.ReplyTo is { Length: > 0 } queue; i++)
            await _channel.BasicPublishAsync("", queue, answer);
        await _channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
    }

    private static byte[] Answer(BasicDeliverEventArgs delivery)
    {
        if (delivery.RoutingKey == Topology.TextRoutingKey)
            return TextAnswer(ContractsJson.Read<DescribeText>(delivery.Body.Span));
        var request = ContractsJson.Read<DescribeImage>(delivery.Body.Span);
        return request.Image!.Key!.Contains("bad", StringComparison.Ordinal)
            ? ContractsJson.Write(new ImageRejected
            {
                Id = request.Id!,
                Image = request.Image,
                Reason = RejectionReason.NotFound,
                Detail = "no object of this key",
                RejectedAt = DateTimeOffset.UnixEpoch,
            })
            : ContractsJson.Write(Result(request.Id!, request.Image.Key!));
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
