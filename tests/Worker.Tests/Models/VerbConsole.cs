using Spectre.Console;

namespace VlWorker.Worker.Tests.Models;

/// <summary>What a verb writes: tables, plain output, errors.</summary>
internal sealed class VerbConsole : IDisposable
{
    private readonly StringWriter _tables = new();

    public VerbConsole() => Console = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = AnsiSupport.No,
        ColorSystem = ColorSystemSupport.NoColors,
        Out = new AnsiConsoleOutput(_tables),
    });

    public IAnsiConsole Console { get; }

    public StringWriter Out { get; } = new();

    public StringWriter Error { get; } = new();

    /// <summary>The tables and lines so far.</summary>
    public string Tables => _tables.ToString();

    public void Dispose()
    {
        _tables.Dispose();
        Out.Dispose();
        Error.Dispose();
    }
}
