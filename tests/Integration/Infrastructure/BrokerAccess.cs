using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace VlWorker.Integration.Infrastructure;

/// <summary>What tests do with a broker: publish bytes, look into queues, list what exists. Always on one virtual host.</summary>
public abstract class BrokerAccess : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private IConnection? _connection;
    private IChannel? _channel;
    private HttpClient? _management;
    private Uri? _uri;

    /// <summary>The broker with the virtual host and credentials: amqp://user:password@host:port/vhost.</summary>
    public Uri Uri => _uri ?? throw new InvalidOperationException("The broker has not been started");

    /// <summary>The virtual host of <see cref="Uri"/>.</summary>
    public string VirtualHost => Uri.AbsolutePath.Length <= 1 ? "/" : WebUtility.UrlDecode(Uri.AbsolutePath[1..]);

    /// <summary>The management API: http://user:password@host:port.</summary>
    public Uri ManagementUri { get; private set; } = new("http://localhost");

    internal HttpClient Management => _management ?? throw new InvalidOperationException("The broker has not been started");

    private string Host => WebUtility.UrlEncode(VirtualHost);

    /// <summary>A new connection; the caller owns it.</summary>
    public Task<IConnection> ConnectAsync() =>
        new ConnectionFactory { Uri = Uri, AutomaticRecoveryEnabled = false, ClientProvidedName = "tests" }.CreateConnectionAsync();

    /// <summary>Publishes and waits for the confirm; a message that no queue takes fails.</summary>
    public Task PublishAsync(string exchange, string routingKey, string body, BasicProperties? properties = null) =>
        PublishAsync(exchange, routingKey, Encoding.UTF8.GetBytes(body), properties);

    /// <inheritdoc cref="PublishAsync(string, string, string, BasicProperties?)"/>
    public Task PublishAsync(string exchange, string routingKey, ReadOnlyMemory<byte> body, BasicProperties? properties = null) =>
        UseAsync(async channel =>
        {
            await channel.BasicPublishAsync(exchange, routingKey, mandatory: true, properties ?? new BasicProperties { Persistent = true }, body);
            return true;
        });

    /// <summary>Takes messages from the queue, and acks them, until there are so many.</summary>
    public async Task<IReadOnlyList<ReceivedMessage>> TakeAsync(string queue, int count, TimeSpan? timeout = null)
    {
        var taken = new List<ReceivedMessage>();
        await Eventually.GetAsync($"{count} messages to take from {queue}", async () =>
        {
            taken.AddRange(await TakeAllAsync(queue, count - taken.Count));
            return taken.Count;
        }, seen => seen >= count, timeout);
        return taken;
    }

    /// <summary>Takes, and acks, what the queue holds now, at most so many.</summary>
    public Task<IReadOnlyList<ReceivedMessage>> TakeAllAsync(string queue, int atMost = int.MaxValue) => UseAsync(async channel =>
    {
        var taken = new List<ReceivedMessage>();
        while (taken.Count < atMost && await channel.BasicGetAsync(queue, autoAck: true) is { } got)
            taken.Add(new ReceivedMessage(got.Exchange, got.RoutingKey, got.Redelivered, new BasicProperties(got.BasicProperties), got.Body.ToArray()));
        return (IReadOnlyList<ReceivedMessage>)taken;
    });

    /// <summary>Messages ready in the queue: those that no consumer holds.</summary>
    public Task<uint> CountAsync(string queue) => UseAsync(channel => channel.MessageCountAsync(queue));

    /// <summary>Waits until so many messages are ready in the queue: exactly, so that one too many fails too.</summary>
    public Task WaitForCountAsync(string queue, uint count, TimeSpan? timeout = null) =>
        Eventually.GetAsync($"{count} messages in {queue}", () => CountAsync(queue), seen => seen == count, timeout);

    /// <summary>Waits until at least so many messages are ready in the queue.</summary>
    public Task WaitForAtLeastAsync(string queue, uint count, TimeSpan? timeout = null) =>
        Eventually.GetAsync($"at least {count} messages in {queue}", () => CountAsync(queue), seen => seen >= count, timeout);

    /// <summary>Consumers of the queue.</summary>
    public Task<uint> ConsumersAsync(string queue) => UseAsync(channel => channel.ConsumerCountAsync(queue));

    /// <summary>Drops what is ready in the queue.</summary>
    public Task PurgeAsync(string queue) => UseAsync(channel => channel.QueuePurgeAsync(queue));

    /// <summary>Runs something on the shared channel, one at a time.</summary>
    public async Task<T> UseAsync<T>(Func<IChannel, Task<T>> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        await _gate.WaitAsync();
        try
        {
            return await work(_channel ??= await OpenAsync());
        }
        catch (Exception e) when (e is AlreadyClosedException or OperationInterruptedException or BrokerUnreachableException or IOException)
        {
            // A broker error closes the channel and a restart the connection: the next call opens new ones.
            await CloseAsync();
            throw;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Runs something on the shared channel, one at a time.</summary>
    public Task UseAsync(Func<IChannel, Task> work) => UseAsync(async channel => { await work(channel); return true; });

    /// <summary>The exchanges of the virtual host, without the broker's own.</summary>
    public async Task<IReadOnlyList<ExchangeInfo>> ListExchangesAsync() =>
        [.. (await ListAsync("exchanges")).Where(static x => Name(x) is not "" and var name && !name.StartsWith("amq.", StringComparison.Ordinal))
            .Select(static x => new ExchangeInfo(Name(x), Text(x, "type"), x.GetProperty("durable").GetBoolean(), Arguments(x)))];

    /// <summary>The queues of the virtual host.</summary>
    public async Task<IReadOnlyList<QueueInfo>> ListQueuesAsync() =>
        [.. (await ListAsync("queues")).Select(static x => new QueueInfo(Name(x), x.GetProperty("durable").GetBoolean(), Arguments(x)))];

    /// <summary>The bindings of the virtual host, without those of the default exchange.</summary>
    public async Task<IReadOnlyList<BindingInfo>> ListBindingsAsync() =>
        [.. (await ListAsync("bindings")).Where(static x => Text(x, "source").Length > 0)
            .Select(static x => new BindingInfo(Text(x, "source"), Text(x, "destination_type"), Text(x, "destination"), Text(x, "routing_key")))];

    /// <summary>Closes the connection to the broker.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _management?.Dispose();
        _gate.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Which broker this is from now on.</summary>
    protected void Attach(Uri uri, Uri management)
    {
        ArgumentNullException.ThrowIfNull(uri);
        ArgumentNullException.ThrowIfNull(management);
        (_uri, ManagementUri) = (uri, management);
        _management = CreateManagement(management);
    }

    internal static HttpClient CreateManagement(Uri management)
    {
        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(management.UserInfo)));
        return new HttpClient
        {
            BaseAddress = new UriBuilder(management) { UserName = "", Password = "", Path = "/api/" }.Uri,
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Basic", credentials) },
        };
    }

    private async Task<IChannel> OpenAsync()
    {
        _connection = await ConnectAsync();
        return await _connection.CreateChannelAsync(new CreateChannelOptions(
            publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
    }

    private async Task CloseAsync()
    {
        var connection = _connection;
        (_connection, _channel) = (null, null);
        if (connection is not null)
            await connection.DisposeAsync();
    }

    private async Task<IReadOnlyList<JsonElement>> ListAsync(string kind)
    {
        using var response = await Management.GetAsync(new Uri($"{kind}/{Host}", UriKind.Relative));
        response.EnsureSuccessStatusCode();
        using var document = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync());
        return [.. document.RootElement.Clone().EnumerateArray()];
    }

    private static string Name(JsonElement element) => Text(element, "name");

    private static string Text(JsonElement element, string property) => element.GetProperty(property).GetString()!;

    private static Dictionary<string, string> Arguments(JsonElement element) =>
        element.GetProperty("arguments").EnumerateObject().ToDictionary(static x => x.Name, static x => x.Value.ToString());
}
