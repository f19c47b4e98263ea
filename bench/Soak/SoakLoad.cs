using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using VlWorker.Contracts;

namespace VlWorker.Bench.Soak;

/// <summary>
/// Publishes mixed lanes and repeats what is not confirmed: interactive requests and texts by chance, backfill as fast as it is answered.
/// A few in a hundred are bad, each in its own way.
/// </summary>
internal sealed class SoakLoad(string broker, string bucket, IReadOnlyList<string> keys, Ledger ledger, int seed)
{
    /// <summary>A key that no object has.</summary>
    public const string Missing = "missing.jpg";

    /// <summary>A key whose object is no image.</summary>
    public const string Corrupt = "corrupt.jpg";

    private const int BackfillOpen = 300;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);
    private readonly Random _random = new(seed);
    private int _sent;
    private IConnection? _connection;
    private IChannel? _channel;

    /// <summary>Requests that had to be published again because their confirm did not come.</summary>
    public int PublishedAgain { get; private set; }

    /// <summary>Publishes until cancelled; what has begun is confirmed in the end.</summary>
    /// <param name="perSecond">Interactive requests a second; texts come at a third of that.</param>
    /// <param name="stop">Ends it.</param>
    public async Task RunAsync(double perSecond, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Tick);
        while (!stop.IsCancellationRequested)
        {
            if (Chance(perSecond * Tick.TotalSeconds))
                await ImageAsync(Topology.InteractiveRoutingKey, null);
            if (Chance(perSecond * Tick.TotalSeconds / 3))
                await TextAsync();
            for (var room = BackfillOpen - ledger.Open(Topology.BackfillRoutingKey); room > 0 && !stop.IsCancellationRequested; room--)
                await ImageAsync(Topology.BackfillRoutingKey, Chance(0.5) ? "soak-a" : "soak-b");
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }

        await CloseAsync();
    }

    private bool Chance(double share) => _random.NextDouble() < share;

    private async Task ImageAsync(string lane, string? job)
    {
        var id = NextId();
        var kind = _random.Next(100);
        var request = new DescribeImage
        {
            Id = id,
            JobId = job,
            Image = new ImageReference { Bucket = bucket, Key = kind switch { < 2 => Missing, < 4 => Corrupt, _ => keys[_random.Next(keys.Count)] } },
            Deadline = kind == 4 ? DateTimeOffset.UnixEpoch : null,
        };
        var expected = kind switch
        {
            < 2 => RejectionReason.NotFound,
            < 4 => RejectionReason.UnsupportedFormat,
            4 => RejectionReason.Expired,
            5 => DeadLetterReason.MalformedJson,
            _ => Ledger.Described,
        };
        ledger.Send(id, lane, expected);
        await PublishAsync(lane, id, kind == 5 ? Encoding.UTF8.GetBytes("{\"id\":") : ContractsJson.Write(request));
    }

    private async Task TextAsync()
    {
        var id = NextId();
        ledger.Send(id, Topology.TextRoutingKey, Ledger.Described);
        await PublishAsync(Topology.TextRoutingKey, id, ContractsJson.Write(new DescribeText { Id = id, Text = $"a picture of number {_random.Next(100)}" }));
    }

    private string NextId() => string.Create(CultureInfo.InvariantCulture, $"s{++_sent}");

    private async Task PublishAsync(string lane, string id, byte[] body)
    {
        for (var again = false; ; again = true)
        {
            try
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
                _channel ??= await OpenAsync(limit.Token);
                if (again)
                    PublishedAgain++;
                await _channel.BasicPublishAsync(Topology.RequestsExchange, lane, true, new BasicProperties { Persistent = true, MessageId = id }, body, limit.Token);
                return;
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                await CloseAsync();
                await Task.Delay(Tick);
            }
        }
    }

    private async Task<IChannel> OpenAsync(CancellationToken cancellation)
    {
        _connection = await new ConnectionFactory { Uri = new Uri(broker), AutomaticRecoveryEnabled = false }.CreateConnectionAsync("soak load", cancellation);
        return await _connection.CreateChannelAsync(new CreateChannelOptions(true, true), cancellation);
    }

    private async Task CloseAsync()
    {
        var connection = _connection;
        (_connection, _channel) = (null, null);
        if (connection is not null)
            await connection.DisposeAsync();
    }
}
