using System.Globalization;
using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Integration.Faults;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.EndToEnd;

/// <summary>A broker and a store of a test's own, workers on them, and jobs whose answers are all accounted for in the end.</summary>
public sealed class FaultBench : IAsyncDisposable
{
    /// <summary>Messages of a run.</summary>
    public const int Messages = 500;

    /// <summary>Both lanes' default prefetch: what a worker holds at most.</summary>
    public const int InHand = 64 + 128;

    /// <summary>What a request with a result has come to; other words are those of <see cref="RejectionReason"/> and <see cref="DeadLetterReason"/>.</summary>
    public const string Described = "described";

    private static int _ids;

    private readonly List<WorkerProcess> _workers = [];
    private readonly SampleStore _samples;
    private readonly List<(string Id, string Key)> _sent = [];
    private readonly HashSet<string> _forgotten = [];
    private readonly Dictionary<string, string> _dead = [];

    private FaultBench(PrivateBroker broker, SampleStore samples) => (Broker, _samples) = (broker, samples);

    public PrivateBroker Broker { get; }

    public PrivateStore Store => _samples.Store;

    public Client Client { get; private set; } = null!;

    /// <summary>Objects of <see cref="StoreAccess.Bucket"/> that messages name in turn.</summary>
    public IReadOnlyList<string> Keys => _samples.Keys;

    /// <summary>Starts broker and store and fills a bucket; no worker yet.</summary>
    public static async Task<FaultBench> StartAsync()
    {
        var samples = new SampleStore();
        var (broker, filling) = (PrivateBroker.StartNewAsync(), samples.InitializeAsync());
        await Task.WhenAll(broker, filling);
        return new FaultBench(await broker, samples);
    }

    /// <summary>Starts a broker beside a store that is there. The caller stops the bench and disposes the broker, and leaves the store.</summary>
    public static async Task<FaultBench> StartAsync(SampleStore samples) => new(await PrivateBroker.StartNewAsync(), samples);

    /// <summary>The same servers without a queue, for another test. The caller stops it and leaves the servers to whoever started them.</summary>
    public async Task<FaultBench> ForAnotherRunAsync()
    {
        // Another test's results' queue would take what this one's must not; and a failed test leaves messages.
        foreach (var queue in Topology.Queues.Select(static queue => queue.Name).Append(Client.Queue))
            await Broker.UseAsync(channel => channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false));
        return new FaultBench(Broker, _samples);
    }

    /// <summary>Starts a worker and waits until it is ready, unless told otherwise.</summary>
    /// <param name="hosts">A file that is the worker's /etc/hosts.</param>
    public async Task<WorkerProcess> StartWorkerAsync(
        bool waitUntilReady = true, Dictionary<string, string>? settings = null, StoreUser? store = null, string? hosts = null)
    {
        var worker = await WorkerProcess.StartAsync(Broker.Uri, store ?? Store.Owner, [Store.Bucket], settings ?? [], waitUntilReady, hosts);
        _workers.Add(worker);
        return worker;
    }

    /// <summary>Listens for answers; the topology must exist.</summary>
    public async Task ListenAsync() => Client = await Client.ConnectAsync(Broker);

    /// <summary>Makes the queue of the answers, which nobody reads before <see cref="ListenAsync"/>.</summary>
    public async Task DeclareAnswersAsync()
    {
        await using var connection = await Broker.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await Client.DeclareAsync(channel);
    }

    /// <summary>Publishes the run's messages, half of them to each lane, and waits for the confirms.</summary>
    /// <param name="count">How many.</param>
    /// <param name="also">Further keys that messages name in turn with the others.</param>
    public async Task PublishAsync(int count = Messages, params string[] also)
    {
        string[] keys = [.. Keys, .. also];
        for (var i = 0; i < count; i++)
        {
            var id = "m" + Interlocked.Increment(ref _ids).ToString(CultureInfo.InvariantCulture);
            _sent.Add((id, keys[i % keys.Length]));
            var image = new ImageReference { Bucket = Store.Bucket, Key = keys[i % keys.Length] };
            var body = ContractsJson.Write(new DescribeImage { Id = id, Image = image });
            await Broker.PublishAsync(Topology.RequestsExchange, i % 2 == 0 ? Topology.InteractiveRoutingKey : Topology.BackfillRoutingKey, body);
        }
    }

    /// <summary>Counts requests that somebody else has published.</summary>
    public void Sent(IEnumerable<(string Id, string Key)> requests) => _sent.AddRange(requests);

    /// <summary>Demands nothing for requests without an answer so far.</summary>
    public void ForgetUnanswered()
    {
        _forgotten.UnionWith(_sent.Select(sent => sent.Id).Where(id => !Client.Answers.ContainsKey(id)));
        _sent.RemoveAll(sent => _forgotten.Contains(sent.Id));
    }

    /// <summary>Waits until so many requests have been answered.</summary>
    public Task AnsweredAsync(int count) =>
        Eventually.TrueAsync($"{count} answers", () => Client.Answers.Count >= count, TimeSpan.FromMinutes(3));

    /// <summary>
    /// Waits for the end and demands: a result, a rejection or a dead letter for every message, the one that its object deserves, and no dead
    /// letter that nobody sent; equal results for what was delivered twice, and not more of that than the workers' prefetch allows; empty queues.
    /// </summary>
    /// <param name="redelivered">Answers beyond the first of each message, in all, at most.</param>
    /// <param name="expected">What becomes of a request for this key; <see cref="Described"/> for all by default.</param>
    /// <returns>Answers beyond the first of each message.</returns>
    public async Task<int> NothingIsLostAsync(int redelivered, Func<string, string>? expected = null)
    {
        await Eventually.GetAsync("an answer or a dead letter for each", UnansweredAsync, static missing => missing.Length == 0, TimeSpan.FromMinutes(5));
        foreach (var queue in Topology.RequestQueues.Select(queue => queue.Name).Concat(Topology.WaitQueues.Select(queue => queue.Name)))
            await Broker.WaitForCountAsync(queue, 0, TimeSpan.FromMinutes(2));
        foreach (var worker in _workers)
            await worker.StopAsync();
        await UnansweredAsync();
        Assert.All(_sent, sent => Assert.Equal([expected?.Invoke(sent.Key) ?? Described], WordsOf(sent.Id)));
        Assert.Empty(_dead.Keys.Except(_sent.Select(sent => sent.Id)).Except(_forgotten));
        Assert.All(_sent, sent => Assert.All(AnswersOf(sent.Id).Skip(1), answer =>
        {
            var difference = EqualResults.Difference(AnswersOf(sent.Id)[0], answer);
            Assert.True(difference is null, $"{sent.Id}, {sent.Key}: {difference}");
        }));
        var again = _sent.Sum(sent => Math.Max(0, AnswersOf(sent.Id).Length - 1));
        Assert.InRange(again, 0, redelivered);
        return again;
    }

    /// <summary>Ends the workers and the client.</summary>
    public async Task StopAsync()
    {
        foreach (var worker in _workers)
            await worker.DisposeAsync();
        if (Client is not null)
            await Client.DisposeAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await Broker.DisposeAsync();
        await _samples.DisposeAsync();
    }

    /// <summary>Looks at the dead letters too; empties their queue.</summary>
    private async Task<string[]> UnansweredAsync()
    {
        foreach (var letter in await Broker.TakeAllAsync(Topology.DeadLettersQueue))
        {
            using var request = JsonDocument.Parse(letter.Body);
            _dead[request.RootElement.GetProperty("id").GetString()!] = letter.Header(Topology.DeadReasonHeader) ?? "without a reason";
        }

        return [.. _sent.Select(sent => sent.Id).Where(id => !_dead.ContainsKey(id) && !Client.Answers.ContainsKey(id)).Take(10)];
    }

    private Answer[] AnswersOf(string id) => Client.Answers.TryGetValue(id, out var answers) ? [.. answers] : [];

    private IEnumerable<string> WordsOf(string id) =>
        AnswersOf(id).Select(answer => answer.Rejection?.Reason ?? Described).Concat(_dead.TryGetValue(id, out var reason) ? [reason] : []).Distinct();
}
