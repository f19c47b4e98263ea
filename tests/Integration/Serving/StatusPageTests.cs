using Microsoft.Playwright;
using VlWorker.Contracts;
using VlWorker.Integration.EndToEnd;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Serving;

/// <summary>The status page in a real Chromium, with a worker behind it that captions messages of a real broker meanwhile.</summary>
public sealed class StatusPageTests(StatusPageFixture fixture) : IClassFixture<StatusPageFixture>
{
    private const float Patience = 60_000;

    [Fact]
    public async Task It_shows_what_the_worker_does_while_it_does_it()
    {
        await using var page = await fixture.OpenAsync();
        await fixture.DescribeAsync(24);

        await Assertions.Expect(page.Locator("#state-text")).ToHaveTextAsync("Ready", new() { Timeout = Patience });
        await Assertions.Expect(page.Locator("#lanes tbody tr").First).ToContainTextAsync("interactive", new() { Timeout = Patience });
        await Eventually.TrueAsync("the lane has described all", async () => (await CellsAsync(page, "#lanes tbody tr:first-child"))[4] == $"{fixture.Described}");
        Assert.Equal("0", (await CellsAsync(page, "#lanes tbody tr:first-child"))[1]);
        await Assertions.Expect(page.Locator("#rejections")).ToContainTextAsync("not-found", new() { Timeout = Patience });
        await Assertions.Expect(page.Locator("#models")).ToContainTextAsync("demo-captioner", new() { Timeout = Patience });
        await Assertions.Expect(page.Locator("#captions img").First).ToBeVisibleAsync(new() { Timeout = Patience });
        await Eventually.TrueAsync("a thumbnail is there", () => page.EvaluateAsync<bool>("document.querySelector('#captions img').naturalWidth > 50"));
        Assert.Contains("background", await page.Locator("#captions p").First.InnerTextAsync(), StringComparison.Ordinal);
        Assert.NotEmpty((await page.Locator("#throughput polyline").GetAttributeAsync("points"))!);
        await page.CloseCleanAsync();
    }

    [Fact]
    public async Task Settings_open_by_keyboard_and_hide_secrets()
    {
        await using var page = await fixture.OpenAsync();
        await page.Keyboard.PressAsync("Tab");
        Assert.Equal("Skip to the figures", await page.EvaluateAsync<string>("document.activeElement.textContent"));
        await page.Locator("#settings-box summary").FocusAsync();

        await page.Keyboard.PressAsync("Enter");

        await Assertions.Expect(page.Locator("#settings")).ToContainTextAsync("Batching:MaxBatch", new() { Timeout = Patience });
        await page.GetByLabel("Find a setting").FillAsync("Store:");
        var shown = await page.Locator("#settings").InnerTextAsync();
        Assert.Contains("(hidden)", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(fixture.Store.Owner.SecretKey, await page.ContentAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain("Batching", shown, StringComparison.Ordinal);
        await page.CloseCleanAsync();
    }

    [Fact]
    public async Task Updates_can_be_paused()
    {
        await using var page = await fixture.OpenAsync();
        await Assertions.Expect(page.Locator("#about")).ToContainTextAsync("up", new() { Timeout = Patience });

        await page.GetByRole(AriaRole.Button, new() { Name = "Pause updates" }).ClickAsync();
        await fixture.DescribeAsync(1);
        var before = await page.Locator("#main").InnerTextAsync();
        await page.EvaluateAsync("() => new Promise(next => events.addEventListener('status', next, { once: true }))");

        Assert.Equal(before, await page.Locator("#main").InnerTextAsync());
        await Assertions.Expect(page.Locator("#announce")).ToHaveTextAsync("Updates are paused");
        await page.CloseCleanAsync();
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 360)]
    [InlineData(ColorScheme.Dark, 360)]
    public async Task Nobody_is_left_out_in_any_scheme_and_on_a_phone(ColorScheme scheme, int width)
    {
        await using var page = await fixture.OpenAsync(scheme, width);
        await fixture.DescribeAsync(2);
        await Assertions.Expect(page.Locator("#captions img").First).ToBeVisibleAsync(new() { Timeout = Patience });
        await page.Locator("#settings-box summary").ClickAsync();
        await Assertions.Expect(page.Locator("#settings")).ToContainTextAsync("Batching:MaxBatch", new() { Timeout = Patience });

        await page.EvaluateAsync(await File.ReadAllTextAsync(Path.Combine(fixture.Npm.Folder, "node_modules", "axe-core", "axe.min.js")));
        var violations = await page.EvaluateAsync<string[]>(
            "async () => (await axe.run(document)).violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.failureSummary}`))");

        Assert.True(violations.Length == 0, string.Join('\n', violations));
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the screen");
        var background = await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
        Assert.Equal(scheme == ColorScheme.Light ? "rgb(246, 247, 251)" : "rgb(14, 16, 22)", background);
        await page.CloseCleanAsync();
    }

    [Fact]
    public async Task Nothing_moves_for_those_who_want_it_so()
    {
        await using var page = await fixture.OpenAsync(motion: ReducedMotion.Reduce);
        await fixture.DescribeAsync(1);
        await Assertions.Expect(page.Locator(".columns b").First).ToBeVisibleAsync(new() { Timeout = Patience });

        Assert.Equal("0s", await page.EvaluateAsync<string>("getComputedStyle(document.querySelector('.columns b')).transitionDuration"));
        await page.CloseCleanAsync();
    }

    private static async Task<string[]> CellsAsync(WatchedPage page, string row) => [.. await page.Locator($"{row} > *").AllInnerTextsAsync()];
}
