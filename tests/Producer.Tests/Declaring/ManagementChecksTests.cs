using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Producer.Declaring;

namespace VlWorker.Producer.Tests.Declaring;

public sealed class ManagementChecksTests
{
    private static readonly DeclaredQueue Queue = new("q", new Dictionary<string, object> { ["x-max-length"] = 5 }, "e", "k");

    private const string Bound = """[{"source":"","routing_key":"q"},{"source":"e","routing_key":"k"}]""";

    /// <summary>RabbitMQ 3.10 answers so about a queue that it declared this moment.</summary>
    [Fact]
    public void A_name_that_stands_twice_does_no_harm() => Assert.Empty(
        Compare("""{"arguments":{"x-max-length":5},"node":"a@b","name":"q","node":"a@b","effective_policy_definition":[]}""", Bound));

    [Theory]
    [InlineData("""{"arguments":[]}""", Bound, "x-max-length must be '5' but is not set")]
    [InlineData("""{"arguments":{"x-max-length":6,"x-expires":1}}""", Bound, "x-max-length must be '5' but is '6'; x-expires must not be set but is '1'")]
    [InlineData("""{"arguments":{"x-max-length":5}}""", """[{"source":"e","routing_key":"other"}]""", "not bound to e by 'k'")]
    [InlineData(
        """{"arguments":{"x-max-length":5},"policy":"all","effective_policy_definition":{"message-ttl":1}}""",
        Bound,
        "the policy 'all' sets message-ttl to 1: messages vanish without an answer")]
    public void What_differs_is_named(string queue, string bindings, string expected) =>
        Assert.Equal(expected, string.Join("; ", Compare(queue, bindings)));

    [Theory]
    [InlineData(404, "{}")]
    [InlineData(200, "[]")]
    public async Task An_API_that_does_not_know_the_queue_finds_nothing_in_order(int status, string body)
    {
        using var server = new FixedServer(status, body);
        using var api = new ManagementApi(server.Address, "/");

        Assert.Contains("knows no such queue", Assert.Single(await new ManagementChecks(api, default).QueueAsync(Queue, null)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_that_could_not_be_set_is_no_success()
    {
        using var server = new FixedServer(404, "{}");
        using var api = new ManagementApi(server.Address, "/");

        await Assert.ThrowsAsync<ProducerException>(() => api.PutPolicyAsync("p", [], default));
    }

    private static IReadOnlyList<string> Compare(string queue, string bindings) =>
        ManagementChecks.Compare(Queue, null, JsonElement.Parse(queue), JsonElement.Parse(bindings));
}
