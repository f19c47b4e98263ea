using RabbitMQ.Client.Exceptions;

namespace VlWorker.Integration.Infrastructure;

/// <summary>A broker that is stopped and killed keeps what it confirmed: what every test of lost messages stands on.</summary>
public sealed class PrivateBrokerTests
{
    [Fact]
    public async Task Durable_messages_survive_a_restart_and_a_kill()
    {
        await using var broker = await PrivateBroker.StartNewAsync();
        var uri = broker.Uri;
        var quorum = new Dictionary<string, object?> { ["x-queue-type"] = "quorum" };
        await broker.UseAsync(channel => channel.QueueDeclareAsync("kept", durable: true, exclusive: false, autoDelete: false, quorum));
        await broker.PublishAsync("", "kept", "first");

        await broker.RestartAsync();
        await Eventually.SucceedsAsync("publishing after the restart", () => broker.PublishAsync("", "kept", "second"));
        await broker.WaitForCountAsync("kept", 2);

        await broker.KillAsync();
        await Assert.ThrowsAsync<BrokerUnreachableException>(broker.ConnectAsync);
        await broker.StartAsync();

        Assert.Equal(uri, broker.Uri);
        Assert.Equal(["first", "second"], (await broker.TakeAsync("kept", 2)).Select(static message => message.Text));
    }

    [Fact]
    public async Task Leaves_no_folder_behind_and_takes_configuration()
    {
        var broker = await PrivateBroker.StartNewAsync("consumer_timeout = 90000");
        var timeout = await broker.ControlAsync("eval", "application:get_env(rabbit, consumer_timeout).");
        await broker.DisposeAsync();

        Assert.Contains("90000", timeout, StringComparison.Ordinal);
        await Assert.ThrowsAsync<BrokerUnreachableException>(broker.ConnectAsync);
    }
}
