using System.Net.Http.Json;
using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;
using VlWorker.Integration.Producer;

namespace VlWorker.Integration.Deploy;

/// <summary>The figures that deploy/k8s/components/keda asks the management API for are there, on every version of the broker.</summary>
public sealed class AutoscalingFiguresTests(ProducerFixture producer) : IClassFixture<ProducerFixture>
{
    [Fact]
    public async Task What_is_ready_what_is_in_hand_and_what_is_published_a_second_are_counted()
    {
        for (var i = 0; i < 3; i++)
            await producer.Broker.PublishAsync(Topology.RequestsExchange, Topology.BackfillRoutingKey, "{}");
        await using var connection = await producer.Broker.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        Assert.NotNull(await channel.BasicGetAsync(Topology.BackfillQueue, autoAck: false));
        var queue = new Uri($"queues/{producer.Broker.VirtualHost}/{Topology.BackfillQueue}", UriKind.Relative);

        // QueueLength takes messages, which holds both kinds; MessageRate takes the publish rate.
        var figures = await Eventually.GetAsync(
            "three messages, one of them in hand, and a rate",
            () => producer.Broker.Management.GetFromJsonAsync<JsonElement>(queue),
            figures => Number(figures, "messages") == 3 && Number(figures, "messages_unacknowledged") == 1 && HasRate(figures));

        Assert.Equal(2, Number(figures, "messages_ready"));
    }

    private static double Number(JsonElement figures, string name) => figures.TryGetProperty(name, out var value) ? value.GetDouble() : double.NaN;

    private static bool HasRate(JsonElement figures) =>
        figures.TryGetProperty("message_stats", out var stats) && stats.TryGetProperty("publish_details", out var details) && details.TryGetProperty("rate", out _);
}
