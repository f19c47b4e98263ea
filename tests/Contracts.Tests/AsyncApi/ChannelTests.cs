using System.Text.Json.Nodes;

namespace VlWorker.Contracts.Tests.AsyncApi;

/// <summary>The channels are those of <see cref="Topology"/>, with its names, arguments and bindings.</summary>
public sealed class ChannelTests
{
    [Fact]
    public void The_document_is_AsyncAPI_3_and_every_reference_leads_somewhere()
    {
        Assert.Equal("3.0.0", Document.Root["asyncapi"]!.GetValue<string>());
        Assert.NotEmpty(AllNodes(Document.Root).OfType<JsonObject>().Where(node => node.ContainsKey("$ref")).Select(Document.Resolve).ToList());
        foreach (var (_, operation) in Document.Root["operations"]!.AsObject())
        {
            Assert.Contains(operation!["action"]!.GetValue<string>(), new[] { "send", "receive" });
            Assert.Contains(Document.Channels, channel => channel.Value == Document.Resolve(operation["channel"]!));
        }
    }

    [Fact]
    public void Queues_have_the_names_arguments_and_bindings_of_the_topology()
    {
        var expected = Topology.Queues.Select(queue => Line(queue.Name, queue.Arguments, queue.Exchange, queue.RoutingKey));

        Assert.Equal(expected.Order(), Channels("queue").Select(Line).Order());
    }

    [Fact]
    public void Exchanges_are_durable_and_have_the_names_of_the_topology()
    {
        var exchanges = Channels("routingKey").Select(channel => channel["bindings"]!["amqp"]!["exchange"]!).ToList();

        Assert.Equal(
            [$"{Topology.ControlExchange} fanout", $"{Topology.DeadExchange} fanout", $"{Topology.RequestsExchange} direct", $"{Topology.ResultsExchange} topic"],
            exchanges.Select(exchange => $"{exchange["name"]} {exchange["type"]}").Distinct().Order());
        Assert.All(exchanges, exchange => Assert.True(exchange["durable"]!.GetValue<bool>() && !exchange["autoDelete"]!.GetValue<bool>()));
    }

    [Fact]
    public void Requests_are_published_with_the_routing_keys_of_the_topology()
    {
        var keys = Channels("routingKey").Where(channel => IsOn(channel, Topology.RequestsExchange)).Select(channel => $"{channel["address"]}");

        Assert.Equal(Topology.RequestQueues.Select(queue => queue.RoutingKey).Order(), keys.Order());
    }

    [Fact]
    public void Results_are_published_with_the_routing_keys_of_the_topology()
    {
        var channel = Assert.Single(Channels("routingKey"), channel => IsOn(channel, Topology.ResultsExchange));
        var parameters = channel["parameters"]!;
        foreach (var lane in Document.Texts(parameters["lane"]!["enum"]))
        {
            var keys = Document.Texts(parameters["outcome"]!["enum"])
                .Select(outcome => $"{channel["address"]}".Replace("{outcome}", outcome, StringComparison.Ordinal)
                    .Replace("{lane}", lane, StringComparison.Ordinal).Replace("{job}", "a_b", StringComparison.Ordinal));
            Assert.Equal([Topology.DescribedRoutingKey(lane, "a.b"), Topology.RejectedRoutingKey(lane, "a.b")], keys);
        }

        Assert.Equal(Topology.RequestQueues.Select(queue => queue.RoutingKey).Order(), Document.Texts(parameters["lane"]!["enum"]).Order());
    }

    [Fact]
    public void Headers_have_the_names_of_the_topology()
    {
        string[] dead = [Topology.DeadReasonHeader, Topology.DeadErrorHeader, Topology.DeadTimeHeader, Topology.AttemptHeader, Topology.HistoryHeader, Topology.OriginHeader];
        string[] request = [Topology.AttemptHeader, Topology.HistoryHeader, Topology.OriginHeader];

        Assert.Equal(dead.Order(), Own("DeadLetterHeaders").Order());
        Assert.Equal(request.Order(), Own("RequestHeaders").Order());
        Assert.Empty(Own("AnswerHeaders"));

        static IEnumerable<string> Own(string schema) => Document.Schemas[schema]!["properties"]!.AsObject().Select(p => p.Key)
            .Where(name => name.StartsWith("x-", StringComparison.Ordinal));
    }

    [Fact]
    public void Messages_carry_the_schema_and_the_AMQP_type_of_their_name()
    {
        foreach (var (name, message) in Document.Root["components"]!["messages"]!.AsObject().Where(message => message.Key != "DeadLetter"))
        {
            Assert.Same(Document.Schemas[name], Document.Resolve(message!["payload"]!));
            Assert.Equal(name.StartsWith("Describe", StringComparison.Ordinal) ? null : name, message["bindings"]?["amqp"]?["messageType"]?.GetValue<string>());
        }
    }

    private static IEnumerable<JsonNode> Channels(string kind) => Document.Channels.Select(channel => channel.Value!)
        .Where(channel => channel["bindings"]?["amqp"]?["is"]?.GetValue<string>() == kind);

    private static bool IsOn(JsonNode channel, string exchange) => $"{channel["bindings"]!["amqp"]!["exchange"]!["name"]}" == exchange;

    private static string Line(JsonNode channel)
    {
        var queue = channel["bindings"]!["amqp"]!["queue"]!;
        Assert.Equal($"{channel["address"]}", $"{queue["name"]}");
        Assert.True(queue["durable"]!.GetValue<bool>() && !queue["exclusive"]!.GetValue<bool>() && !queue["autoDelete"]!.GetValue<bool>());
        var arguments = channel["x-queue-arguments"]!.AsObject().ToDictionary(item => item.Key, item => (object)item.Value!);
        return Line($"{queue["name"]}", arguments, $"{channel["x-bound-to"]!["exchange"]}", $"{channel["x-bound-to"]!["routingKey"]}");
    }

    private static string Line(string name, IReadOnlyDictionary<string, object> arguments, string exchange, string routingKey) =>
        $"{name} <- {exchange} '{routingKey}' {string.Join(' ', arguments.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key}={a.Value}"))}";

    private static IEnumerable<JsonNode> AllNodes(JsonNode node) => node switch
    {
        JsonObject map => map.Where(item => item.Value is not null).SelectMany(item => AllNodes(item.Value!)).Prepend(node),
        JsonArray list => list.Where(item => item is not null).SelectMany(item => AllNodes(item!)).Prepend(node),
        _ => [node],
    };
}
