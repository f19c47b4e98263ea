using Microsoft.Playwright;
using VlWorker.Contracts;
using VlWorker.Integration.EndToEnd;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Serving;

/// <summary>A worker on a broker and a store of its own, a client that publishes to it, and Debian's Chromium.</summary>
public sealed class StatusPageFixture : IAsyncLifetime, IAsyncDisposable
{
    private static readonly string[] Chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private readonly TestBroker _broker = new();
    private int _published;
    private WorkerProcess _worker = null!;
    private Client _client = null!;
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;

    /// <summary>The store.</summary>
    public TestStore Store { get; } = new();

    /// <summary>The npm packages.</summary>
    public NpmPackages Npm { get; } = new();

    /// <summary>Images that were described so far.</summary>
    public int Described => Volatile.Read(ref _published);

    public async Task InitializeAsync()
    {
        await _broker.InitializeAsync();
        await Store.InitializeAsync();
        await Npm.InitializeAsync();
        foreach (var sample in new[] { "0000.jpg", "0002.png", "0008.webp" })
            await Store.PutFileAsync(sample, Repository.At("samples", sample));
        _worker = await WorkerProcess.StartAsync(_broker.Uri, Store.Owner, [Store.Bucket], []);
        _client = await Client.ConnectAsync(_broker);
        _playwright = await Playwright.CreateAsync();
        var program = Chromium.FirstOrDefault(File.Exists) ?? throw new InvalidOperationException("there is no Chromium: apt-get install chromium");
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = program, Args = ["--no-sandbox", "--disable-gpu"] });
        await _client.PublishAsync(new DescribeImage { Id = "missing", Image = new ImageReference { Bucket = Store.Bucket, Key = "missing.jpg" } });
        await _client.AwaitAsync(["missing"]);
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
        await _client.DisposeAsync();
        await _worker.DisposeAsync();
        await Npm.DisposeAsync();
        await Store.DisposeAsync();
        await _broker.DisposeAsync();
    }

    /// <summary>Publishes images to the interactive lane and waits for all answers.</summary>
    public async Task DescribeAsync(int count)
    {
        var keys = new[] { "0000.jpg", "0002.png", "0008.webp" };
        var ids = Enumerable.Range(0, count).Select(_ => $"image {Interlocked.Increment(ref _published)}").ToArray();
        foreach (var (id, i) in ids.Select((id, i) => (id, i)))
            await _client.PublishAsync(new DescribeImage { Id = id, Image = new ImageReference { Bucket = Store.Bucket, Key = keys[i % keys.Length] } });
        await _client.AwaitAsync(ids);
    }

    /// <summary>Opens the page in a tab of its own.</summary>
    public async Task<WatchedPage> OpenAsync(ColorScheme scheme = ColorScheme.Light, int width = 1280, ReducedMotion motion = ReducedMotion.NoPreference)
    {
        var context = await _browser.NewContextAsync(new() { ColorScheme = scheme, ReducedMotion = motion, ViewportSize = new() { Width = width, Height = 800 } });
        var page = new WatchedPage(context, await context.NewPageAsync());
        await page.GotoAsync(_worker.Addresses[0]);
        if (Environment.GetEnvironmentVariable("VLWORKER_TEST_SCREENSHOTS") is { Length: > 0 } folder)
            page.ScreenshotAt = Path.Combine(folder, $"status-{scheme}-{width}.png");
        return page;
    }
}
