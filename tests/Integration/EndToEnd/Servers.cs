namespace VlWorker.Integration.EndToEnd;

/// <summary>One broker and one store for all tests of a class: none of them takes either away.</summary>
public sealed class Servers : IAsyncLifetime
{
    private FaultBench _bench = null!;

    /// <inheritdoc/>
    public async Task InitializeAsync() => _bench = await FaultBench.StartAsync();

    /// <summary>A bench on these servers, for one test, which stops it.</summary>
    public Task<FaultBench> NewBenchAsync() => _bench.ForAnotherRunAsync();

    /// <inheritdoc/>
    public async Task DisposeAsync() => await _bench.DisposeAsync();
}
