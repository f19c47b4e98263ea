using Microsoft.Extensions.Time.Testing;
using Spectre.Console;
using VlWorker.Demo;

namespace VlWorker.Worker.Tests.Demo;

public sealed class DemoProgressTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly StringWriter _text = new();

    [Fact]
    public async Task Without_a_terminal_there_is_a_line_every_two_seconds_and_one_at_the_end()
    {
        await Progress().RunAsync("Describing", "images", 40, done =>
        {
            for (var i = 0; i < 40; i++)
            {
                _time.Advance(TimeSpan.FromMilliseconds(100));
                done();
            }

            return Task.CompletedTask;
        });

        Assert.Equal(
            ["Describing: 20/40  10.0 images/s  ETA 0:02", "Describing: 40/40  10.0 images/s  4.0 s"],
            Lines());
    }

    [Fact]
    public async Task An_error_of_the_work_is_the_callers()
    {
        await Assert.ThrowsAsync<DemoException>(() => Progress().RunAsync("x", "images", 1, _ => throw new DemoException("gone")));
    }

    public void Dispose() => _text.Dispose();

    private DemoProgress Progress() => new(
        AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(_text),
        }),
        _time);

    private string[] Lines() => _text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
