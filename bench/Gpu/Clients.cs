using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Demo;

namespace VlWorker.Bench.Gpu;

/// <summary>Several clients of an embedded worker, each with a job of its own, so that answers come back in parallel.</summary>
internal sealed class Clients : IAsyncDisposable
{
    private const int Count = 8;
    private readonly List<RequestClient> _clients = [];
    private int _sent;

    public static async Task<Clients> ConnectAsync(EmbeddedWorker worker)
    {
        var clients = new Clients();
        for (var i = 0; i < Count; i++)
            clients._clients.Add(await worker.ConnectAsync($"*.*.{Job(i)}"));
        return clients;
    }

    /// <summary>Sends requests, each through the client whose turn it is, and waits for all results.</summary>
    /// <param name="count">Requests.</param>
    /// <param name="underWay">As many at a time.</param>
    /// <param name="request">Makes one, by its number; ids are given here.</param>
    /// <exception cref="InvalidOperationException">An image was rejected.</exception>
    public Task AskAsync(int count, int underWay, Func<int, DescribeImage> request) => Parallel.ForAsync(
        0, count, new ParallelOptions { MaxDegreeOfParallelism = underWay }, async (i, cancellation) => await AskAsync(request(i), cancellation));

    private async Task AskAsync(DescribeImage request, CancellationToken cancellation)
    {
        var number = Interlocked.Increment(ref _sent);
        var id = number.ToString(CultureInfo.InvariantCulture);
        var body = ContractsJson.Write(request with { Id = id, JobId = Job(number % Count) });
        var reply = await _clients[number % Count].AskAsync(id, Topology.BackfillRoutingKey, body, cancellation);
        if (reply.Answer.Image is null)
            throw new InvalidOperationException($"an image was rejected: {System.Text.Encoding.UTF8.GetString(reply.Body)}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            await client.DisposeAsync();
    }

    private static string Job(int number) => $"job{number}";
}
