using VlWorker.Contracts;
using VlWorker.Demo;

namespace VlWorker.Bench.Gpu;

/// <summary>Several clients of an embedded worker, each with a job of its own, so that answers come back in parallel.</summary>
internal sealed class Clients : IAsyncDisposable
{
    private const int Count = 8;
    private readonly List<RequestClient> _clients = [];

    public static async Task<Clients> ConnectAsync(EmbeddedWorker worker)
    {
        var clients = new Clients();
        for (var i = 0; i < Count; i++)
            clients._clients.Add(await worker.ConnectAsync($"*.*.{Job(i)}"));
        return clients;
    }

    /// <summary>Sends a request through the client whose turn it is, and waits for its result.</summary>
    /// <exception cref="InvalidOperationException">The image was rejected.</exception>
    public async Task AskAsync(DescribeImage request, int number, CancellationToken cancellation)
    {
        var body = ContractsJson.Write(request with { JobId = Job(number % Count) });
        var reply = await _clients[number % Count].AskAsync(request.Id!, Topology.BackfillRoutingKey, body, cancellation);
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
