using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace VlWorker.Integration.Serving;

/// <summary>A page whose complaints are kept: errors of its script, and all that its content security policy has stopped.</summary>
public sealed class WatchedPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly IPage _page;
    private readonly ConcurrentQueue<string> _complaints = new();

    public WatchedPage(IBrowserContext context, IPage page)
    {
        (_context, _page) = (context, page);
        page.PageError += (_, error) => _complaints.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                _complaints.Enqueue(message.Text);
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith("http://127.0.0.1:", StringComparison.Ordinal) && !request.Url.StartsWith("data:", StringComparison.Ordinal))
                _complaints.Enqueue($"asked for {request.Url}");
        };
    }

    /// <summary>Where a picture of the page is left when it is closed; null for nowhere.</summary>
    public string? ScreenshotAt { get; set; }

    public IKeyboard Keyboard => _page.Keyboard;

    public Task GotoAsync(string url) => _page.GotoAsync(url);

    public ILocator Locator(string selector) => _page.Locator(selector);

    public ILocator GetByLabel(string text) => _page.GetByLabel(text);

    public ILocator GetByRole(AriaRole role, PageGetByRoleOptions options) => _page.GetByRole(role, options);

    public Task<string> ContentAsync() => _page.ContentAsync();

    public Task<T> EvaluateAsync<T>(string script) => _page.EvaluateAsync<T>(script);

    public Task EvaluateAsync(string script) => _page.EvaluateAsync(script);

    /// <summary>Closes the page, and fails if it has complained of anything.</summary>
    public async Task CloseCleanAsync()
    {
        if (ScreenshotAt is { } path)
            await _page.ScreenshotAsync(new() { Path = path, FullPage = true });
        Assert.Empty(_complaints);
        await _context.CloseAsync();
    }

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
