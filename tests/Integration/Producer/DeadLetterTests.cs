using System.Text.Json.Nodes;
using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

public sealed class DeadLetterTests(ProducerFixture producer) : IClassFixture<ProducerFixture>, IAsyncLifetime
{
    private const string Time = "2026-11-23T12:00:00Z";

    public async Task InitializeAsync()
    {
        await producer.Broker.PurgeAsync(Topology.DeadLettersQueue);
        await producer.Broker.PurgeAsync(Topology.InteractiveQueue);
        await producer.Broker.PurgeAsync(Topology.BackfillQueue);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task They_are_listed_with_why_when_and_how_often_and_stay()
    {
        await BuryAsync("1", DeadLetterReason.AttemptsExhausted, "autumn");
        await BuryAsync("2", DeadLetterReason.UnexpectedError, "winter");

        var outcome = await producer.RunAsync("dead-letters", "list", "--format", "table");
        var some = await producer.RunAsync("dead-letters", "list", "--reason", "unexpected-error");

        Assert.Matches(@"2026-11-23 12:00:00Z +attempts-exhausted +5 +interactive +1 +photos/1.jpg  it failed", outcome.Lines[1]);
        Assert.Contains("2 of 2 dead letters; 1 attempts-exhausted; 1 unexpected-error", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("2", JsonNode.Parse(Assert.Single(some.Lines))!["id"]!.GetValue<string>());
        await producer.Broker.WaitForCountAsync(Topology.DeadLettersQueue, 2);
    }

    [Fact]
    public async Task One_is_shown_whole()
    {
        await BuryAsync("1", DeadLetterReason.AttemptsExhausted, "autumn");

        var outcome = await producer.RunAsync("dead-letters", "show", "1", "--format", "table");

        Assert.Contains("why         attempts-exhausted: it failed", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("how often   5 attempts", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("header      x-vl-origin: vl.describe.interactive", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("\"key\": \"1.jpg\"", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(1, (await producer.RunAsync("dead-letters", "show", "nobody")).Code);
    }

    [Theory]
    [InlineData("""{"id":"odd"}""", long.MaxValue)]
    [InlineData("""{"id":"odd"}""", 1_795_000_000_000)]
    [InlineData("""{"id":"odd","text":"\\ud800"}""", 0)]
    public async Task Odd_ones_are_shown_too(string body, long stamp)
    {
        var properties = new BasicProperties { Persistent = true, Timestamp = new AmqpTimestamp(stamp), Headers = new Dictionary<string, object?> { ["at"] = new AmqpTimestamp(stamp) } };
        await producer.Broker.PublishAsync(Topology.DeadExchange, "", body, properties);

        var list = await producer.RunAsync("dead-letters", "list", "--format", "jsonl");
        var show = await producer.RunAsync("dead-letters", "show", "odd", "--format", "table");

        Assert.Equal("odd", JsonNode.Parse(Assert.Single(list.Lines))!["id"]!.GetValue<string>());
        Assert.Contains(stamp == 1_795_000_000_000 ? "published 2026-11-18" : "published ?", show.Output, StringComparison.Ordinal);
        Assert.Contains("body        ", show.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replay_is_a_request_without_a_past_and_the_others_stay()
    {
        await BuryAsync("1", DeadLetterReason.AttemptsExhausted, "autumn");
        await BuryAsync("2", DeadLetterReason.AttemptsExhausted, "winter", Topology.BackfillQueue);
        await BuryAsync("3", DeadLetterReason.UnexpectedError, "winter");

        var outcome = await producer.RunAsync("dead-letters", "replay", "--job", "winter", "--reason", "attempts-exhausted", "--rate", "100");

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains("1 dead letters published again", outcome.Error, StringComparison.Ordinal);
        var replayed = Assert.Single(await producer.Broker.TakeAsync(Topology.BackfillQueue, 1));
        Assert.Equal(("2", DeliveryModes.Persistent), (replayed.Properties.MessageId, replayed.Properties.DeliveryMode));
        Assert.DoesNotContain(replayed.Properties.Headers!.Keys, name => name.StartsWith("x-vl-", StringComparison.Ordinal));
        Assert.Equal("kept", replayed.Header("traceparent"));
        await producer.Broker.WaitForCountAsync(Topology.DeadLettersQueue, 2);
    }

    [Fact]
    public async Task What_can_not_be_published_stays_a_dead_letter()
    {
        await using var broker = await TestBroker.CreateAsync();
        await ProducerFixture.DeclareAsync(broker);
        await broker.UseAsync(channel => channel.QueueUnbindAsync(Topology.InteractiveQueue, Topology.RequestsExchange, Topology.InteractiveRoutingKey));
        await BuryAsync("1", DeadLetterReason.AttemptsExhausted, "autumn", broker: broker);

        var outcome = await ProducerFixture.RunAsync(broker.Uri, Stream.Null, default, "dead-letters", "replay", "--all");

        Assert.Equal(3, outcome.Code);
        await broker.WaitForCountAsync(Topology.DeadLettersQueue, 1);
    }

    [Fact]
    public async Task What_the_broker_itself_put_away_is_understood()
    {
        await using var broker = await TestBroker.CreateAsync();
        await ProducerFixture.DeclareAsync(broker);
        await broker.PublishAsync(Topology.RequestsExchange, Topology.InteractiveRoutingKey, """{"id":"9","image":{"bucket":"b","key":"k"}}""");
        await using (var connection = await broker.ConnectAsync())
        await using (var channel = await connection.CreateChannelAsync())
        {
            // The broker's delivery limit is 50.
            for (var i = 0; i <= 51 && await channel.BasicGetAsync(Topology.InteractiveQueue, autoAck: false) is { } message; i++)
                await channel.BasicRejectAsync(message.DeliveryTag, requeue: true);
        }

        await broker.WaitForCountAsync(Topology.DeadLettersQueue, 1);
        var list = await ProducerFixture.RunAsync(broker.Uri, Stream.Null, default, "dead-letters", "list", "--reason", "delivery-limit");
        var replay = await ProducerFixture.RunAsync(broker.Uri, Stream.Null, default, "dead-letters", "replay", "--id", "9");

        Assert.Equal("vl.describe.interactive", JsonNode.Parse(Assert.Single(list.Lines))!["origin"]!.GetValue<string>());
        Assert.True(replay.Code == 0, replay.Error);
        await broker.WaitForCountAsync(Topology.InteractiveQueue, 1);
        await broker.WaitForCountAsync(Topology.DeadLettersQueue, 0);
    }

    [Fact]
    public async Task What_expired_in_the_queue_says_so_however_often_it_is_looked_at()
    {
        await using var broker = await TestBroker.CreateAsync();
        await ProducerFixture.DeclareAsync(broker);
        const string Request = """{"id":"9","image":{"bucket":"b","key":"k"}}""";
        await broker.PublishAsync(Topology.RequestsExchange, Topology.InteractiveRoutingKey, Request, new BasicProperties { Expiration = "1" });
        await broker.WaitForCountAsync(Topology.DeadLettersQueue, 1);

        await ProducerFixture.RunAsync(broker.Uri, Stream.Null, default, "dead-letters", "list");
        var list = await ProducerFixture.RunAsync(broker.Uri, Stream.Null, default, "dead-letters", "list", "--reason", "expired");

        var letter = JsonNode.Parse(Assert.Single(list.Lines))!;
        Assert.Equal(("expired", 0), (letter["reason"]!.GetValue<string>(), letter["attempts"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Deleting_asks_first()
    {
        await BuryAsync("1", DeadLetterReason.AttemptsExhausted, "autumn");
        await BuryAsync("2", DeadLetterReason.AttemptsExhausted, "winter");

        Assert.Equal(1, (await producer.RunWithInputAsync("yes\n", "dead-letters", "purge", "--all")).Code);
        Assert.Equal(1, (await producer.RunAsync("dead-letters", "purge", "--job", "autumn")).Code);
        await producer.Broker.WaitForCountAsync(Topology.DeadLettersQueue, 2);
        Assert.Equal(0, (await producer.RunAsync("dead-letters", "purge", "--job", "autumn", "--yes")).Code);
        await producer.Broker.WaitForCountAsync(Topology.DeadLettersQueue, 1);
        Assert.Equal(0, (await producer.RunWithInputAsync("1\n", "dead-letters", "purge", "--all")).Code);
        await producer.Broker.WaitForCountAsync(Topology.DeadLettersQueue, 0);
    }

    [Fact]
    public async Task What_dies_while_somebody_is_asked_is_not_deleted()
    {
        await BuryAsync("1", DeadLetterReason.AttemptsExhausted, "autumn");
        using var slow = new SlowInput("1"u8.ToArray(), () => BuryAsync("2", DeadLetterReason.AttemptsExhausted, "autumn"));

        var outcome = await ProducerFixture.RunAsync(producer.Broker.Uri, slow, default, "dead-letters", "purge", "--all");

        Assert.Contains("1 dead letters deleted", outcome.Error, StringComparison.Ordinal);
        var left = await producer.RunAsync("dead-letters", "list");
        Assert.Equal("2", JsonNode.Parse(Assert.Single(left.Lines))!["id"]!.GetValue<string>());
    }

    /// <summary>Somebody who answers only after something has happened.</summary>
    private sealed class SlowInput(byte[] answer, Func<Task> first) : MemoryStream(answer)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position == 0)
                await first();
            return await base.ReadAsync(buffer, cancellationToken);
        }
    }

    private Task BuryAsync(string id, string reason, string job, string origin = Topology.InteractiveQueue, BrokerAccess? broker = null) =>
        (broker ?? producer.Broker).PublishAsync(
            Topology.DeadExchange,
            "",
            $$$"""{"id":"{{{id}}}","jobId":"{{{job}}}","image":{"bucket":"photos","key":"{{{id}}}.jpg"}}""",
            new BasicProperties
            {
                Persistent = true,
                MessageId = id,
                Headers = new Dictionary<string, object?>
                {
                    [Topology.DeadReasonHeader] = reason,
                    [Topology.DeadErrorHeader] = "it failed",
                    [Topology.DeadTimeHeader] = Time,
                    [Topology.AttemptHeader] = 5,
                    [Topology.OriginHeader] = origin,
                    ["traceparent"] = "kept",
                },
            });
}
