using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.EndToEnd;

/// <summary>A store of the tests' own with some of the samples in its bucket, for one bench or for all tests of a class.</summary>
public sealed class SampleStore : IAsyncLifetime
{
    private readonly List<string> _keys = [];

    public PrivateStore Store { get; private set; } = null!;

    /// <summary>Objects of <see cref="StoreAccess.Bucket"/>.</summary>
    public IReadOnlyList<string> Keys => _keys;

    /// <summary>Starts the store and fills its bucket.</summary>
    public async Task InitializeAsync()
    {
        Store = await PrivateStore.StartNewAsync();
        foreach (var path in Directory.GetFiles(Repository.At("samples"), "*.jpg").Order(StringComparer.Ordinal).Take(16))
        {
            _keys.Add(Path.GetFileName(path));
            await Store.PutFileAsync(Path.GetFileName(path), path);
        }
    }

    /// <summary>Stops it and removes its folder.</summary>
    public async Task DisposeAsync() => await Store.DisposeAsync();
}
