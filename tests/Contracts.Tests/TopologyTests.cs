using FsCheck;
using FsCheck.Xunit;

namespace VlWorker.Contracts.Tests;

public sealed class TopologyTests
{
    [Theory]
    [InlineData(null, "-")]
    [InlineData("", "-")]
    [InlineData("job-1_A", "job-1_A")]
    [InlineData("autumn.2026", "autumn_2026")]
    [InlineData("#", "_")]
    [InlineData("*.x", "__x")]
    [InlineData("é 東", "___")]
    public void A_word_can_stand_in_a_routing_key(string? value, string word)
    {
        Assert.Equal(word, Topology.Word(value));
    }

    [Property]
    public bool A_word_is_never_empty_long_or_special(string? value)
    {
        var word = Topology.Word(value);
        return word.Length is > 0 and <= 64 && word.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') && Topology.Word(word) == word;
    }

    [Property]
    public bool Routing_keys_have_three_words_and_fit_AMQP(string? lane, string? job)
    {
        string[] keys = [Topology.DescribedRoutingKey(lane!, job), Topology.RejectedRoutingKey(lane!, job)];
        return keys.All(key => key.Split('.').Length == 3 && key.Length <= 255);
    }

    [Fact]
    public void Routing_keys_name_what_happened_the_lane_and_the_job()
    {
        Assert.Equal("described.interactive.-", Topology.DescribedRoutingKey("interactive", null));
        Assert.Equal("rejected.backfill.autumn_2026", Topology.RejectedRoutingKey("backfill", "autumn.2026"));
        Assert.Equal(new string('a', 64), Topology.Word(new string('a', 65)));
    }

    [Fact]
    public void Arguments_are_final()
    {
        // A queue can't be declared again with other arguments: a change here breaks every installation that exists.
        Assert.Equal(
            "x-dead-letter-exchange=vl.dead x-dead-letter-strategy=at-least-once x-delivery-limit=50 x-overflow=reject-publish x-queue-type=quorum",
            Text(Topology.RequestQueueArguments));
        Assert.Equal("x-delivery-limit=2147483647 x-overflow=reject-publish x-queue-type=quorum", Text(Topology.StorageQueueArguments));
        Assert.Equal(
            "x-dead-letter-exchange=vl.requests x-dead-letter-strategy=at-least-once x-message-ttl=60000 x-overflow=reject-publish x-queue-type=quorum",
            Text(Topology.WaitQueueArguments(Topology.WaitQueues[1])));
        Assert.Equal("x-max-age=30D x-queue-type=stream x-stream-max-segment-size-bytes=1000000", Text(Topology.ControlQueueArguments));
    }

    [Fact]
    public void Names_are_final()
    {
        Assert.Equal(["vl.describe.interactive", "vl.describe.backfill", "vl.describe.text"], Topology.RequestQueues.Select(q => q.Name));
        Assert.Equal(["interactive", "backfill", "text"], Topology.RequestQueues.Select(q => q.RoutingKey));
        Assert.Equal(["vl.retry.5s", "vl.retry.1m", "vl.retry.10m"], Topology.WaitQueues.Select(q => q.Name));
        Assert.Equal([5.0, 60, 600], Topology.WaitQueues.Select(q => q.Delay.TotalSeconds));
        Assert.Equal(
            ["vl.requests", "vl.results", "vl.results", "vl.dead", "vl.dead-letters", "vl.control", "vl.control"],
            new[]
            {
                Topology.RequestsExchange, Topology.ResultsExchange, Topology.ResultsQueue, Topology.DeadExchange, Topology.DeadLettersQueue,
                Topology.ControlExchange, Topology.ControlQueue,
            });
    }

    private static string Text(IReadOnlyDictionary<string, object> arguments) =>
        string.Join(' ', arguments.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key}={a.Value}"));
}
