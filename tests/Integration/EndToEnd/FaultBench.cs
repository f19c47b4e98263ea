using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.EndToEnd;

/// <summary>A broker and a store of a test's own, workers on them, and jobs whose answers are all accounted for in the end.</summary>
public sealed class FaultBench : IAsyncDisposable
{
    /// <summary>Messages of a run.</summary>
    public const int Messages = 500;

    private readonly List<WorkerProcess> _workers = [];
    private readonly List<string> _keys = [];
    private readonly List<string> _ids = [];

    private FaultBench(PrivateBroker broker, PrivateStore store) => (Broker, Store) = (broker, store);

    public PrivateBroker Broker { get; }

    public PrivateStore Store { get; }

    public Client Client { get; private set; } = null!;

    /// <summary>Starts broker and store and fills a bucket; no worker yet.</summary>
    public static async Task<FaultBench> StartAsync()
    {
        var bench = new FaultBench(await PrivateBroker.StartNewAsync(), await PrivateStore.StartNewAsync());
        foreach (var path in Directory.GetFiles(Repository.At("samples"), "*.jpg").Order(StringComparer.Ordinal).Take(16))
        {
            bench._keys.Add(Path.GetFileName(path));
            await bench.Store.PutFileAsync(Path.GetFileName(path), path);
        }

        return bench;
    }

    /// <summary>Starts a worker and waits until it is ready, unless told otherwise.</summary>
    public async Task<WorkerProcess> StartWorkerAsync(bool waitUntilReady = true, Dictionary<string, string>? settings = null, StoreUser? store = null)
    {
        var worker = await WorkerProcess.StartAsync(Broker.Uri, store ?? Store.Owner, [Store.Bucket], settings ?? [], waitUntilReady);
        _workers.Add(worker);
        return worker;
    }

    /// <summary>Listens for answers; the topology must exist.</summary>
    public async Task ListenAsync() => Client = await Client.ConnectAsync(Broker);

    /// <summary>Publishes the run's messages, half of them to each lane, and waits for the confirms.</summary>
    public async Task PublishAsync(int count = Messages)
    {
        for (var i = 0; i < count; i++)
        {
            var id = "m" + _ids.Count.ToString(CultureInfo.InvariantCulture);
            _ids.Add(id);
            var image = new ImageReference { Bucket = Store.Bucket, Key = _keys[i % _keys.Count] };
            var body = ContractsJson.Write(new DescribeImage { Id = id, Image = image });
            await Broker.PublishAsync(Topology.RequestsExchange, i % 2 == 0 ? Topology.InteractiveRoutingKey : Topology.BackfillRoutingKey, body);
        }
    }

    /// <summary>Waits until so many requests have been answered.</summary>
    public Task AnsweredAsync(int count) =>
        Eventually.TrueAsync($"{count} answers", () => Client.Answers.Count >= count, TimeSpan.FromMinutes(3));

    /// <summary>
    /// Waits for the end and demands: at least one result for every message; none rejected or dead-lettered; equal results for
    /// what was delivered twice, and not more of that than the workers' prefetch allows; empty queues.
    /// </summary>
    /// <param name="redelivered">Messages that may have been delivered again.</param>
    public async Task NothingIsLostAsync(int redelivered)
    {
        await Client.AwaitAsync(_ids, TimeSpan.FromMinutes(5));
        foreach (var queue in Topology.RequestQueues.Select(queue => queue.Name).Concat(Topology.WaitQueues.Select(queue => queue.Name)))
            await Broker.WaitForCountAsync(queue, 0, TimeSpan.FromMinutes(2));
        Assert.Equal(0u, await Broker.CountAsync(Topology.DeadLettersQueue));
        foreach (var worker in _workers)
            await worker.StopAsync();

        Assert.All(_ids, id => EqualResults([.. Client.Answers[id]]));
        Assert.InRange(_ids.Sum(id => Client.Answers[id].Count - 1), 0, redelivered);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
            await worker.DisposeAsync();
        if (Client is not null)
            await Client.DisposeAsync();
        await Broker.DisposeAsync();
        await Store.DisposeAsync();
    }

    private static void EqualResults(IReadOnlyList<Answer> answers)
    {
        Assert.All(answers, answer => Assert.Null(answer.Rejection));
        var first = answers[0].Image!;
        foreach (var other in answers.Skip(1).Select(answer => answer.Image!))
        {
            Assert.Equal(first.Image, other.Image);
            Assert.Equal(first.Outputs.Select(output => output.ResultId), other.Outputs.Select(output => output.ResultId));
            Assert.Equal(first.Outputs[0].Caption!.Text, other.Outputs[0].Caption!.Text);
            Assert.True(Math.Abs(first.Outputs[0].Caption!.Score!.Value - other.Outputs[0].Caption!.Score!.Value) <= 1e-2);
            Assert.True(Cosine(first.Outputs[1].Embedding!.Values!, other.Outputs[1].Embedding!.Values!) >= 0.999);
        }
    }

    private static double Cosine(IReadOnlyList<float> a, IReadOnlyList<float> b) => a.Zip(b, (x, y) => (double)x * y).Sum();
}
