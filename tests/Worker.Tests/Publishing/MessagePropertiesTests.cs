using RabbitMQ.Client;
using VlWorker.Publishing;

namespace VlWorker.Worker.Tests.Publishing;

public sealed class MessagePropertiesTests
{
    [Fact]
    public void Properties_survive_both_transports()
    {
        var original = new MessageProperties
        {
            MessageId = "m",
            CorrelationId = "c",
            ReplyTo = "r",
            ContentType = "application/json",
            ContentEncoding = "utf-8",
            Type = "t",
            AppId = "a",
            Timestamp = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000),
            Priority = 4,
            Headers = new Dictionary<string, object?> { ["text"] = "x", ["number"] = 7L },
        };

        foreach (var copy in (MessageProperties[])[RabbitMqProperties.Read(RabbitMqProperties.Write(original)), InMemoryProperties.Read(InMemoryProperties.Write(original))])
        {
            Assert.Equal(original with { Headers = copy.Headers }, copy);
            Assert.Equal(("x", 7L), (copy.Text("text"), copy.Number("number")));
        }
    }

    [Theory]
    [InlineData(1_800_000_000L, 1_800_000_000L)]
    [InlineData(1_800_000_000_000L, 1_800_000_000L)]
    [InlineData(-5, null)]
    [InlineData(0, null)]
    [InlineData(long.MaxValue, null)]
    public void Timestamps_of_any_client_are_survived(long timestamp, long? seconds)
    {
        var properties = RabbitMqProperties.Read(new BasicProperties { Timestamp = new AmqpTimestamp(timestamp) });

        Assert.Equal(seconds, properties.Timestamp?.ToUnixTimeSeconds());
    }

    [Fact]
    public void A_copy_leaves_out_what_the_transport_wrote()
    {
        string[] names =
            ["x-death", "x-first-death-queue", "x-last-death-reason", "x-delivery-count", "CC", "x-dotnet-pub-seq-no", "x-vl-attempt", "x-own"];
        var headers = names.ToDictionary(name => name, _ => (object?)1);

        var copy = new MessageProperties { Headers = headers }.ForCopy(new KeyValuePair<string, object?>("x-vl-attempt", 2));

        Assert.Equal(["x-own=1", "x-vl-attempt=2"], copy.Headers.Select(header => $"{header.Key}={header.Value}").Order(StringComparer.Ordinal));
    }
}
