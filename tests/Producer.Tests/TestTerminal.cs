using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace VlWorker.Producer.Tests;

/// <summary>A terminal in memory, and what a command wrote to it.</summary>
internal sealed class TestTerminal : IDisposable
{
    private readonly MemoryStream _output = new();
    private readonly StringWriter _error = new();
    private readonly Dictionary<string, string> _environment = [];

    public TestTerminal(string input = "", bool interactive = false, int width = 100) => Terminal = new Terminal
    {
        Input = new MemoryStream(Encoding.UTF8.GetBytes(input)),
        Output = _output,
        Error = _error,
        IsInteractive = interactive,
        Width = width,
        Environment = name => _environment.GetValueOrDefault(name),
        Time = Time,
    };

    public Terminal Terminal { get; }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero));

    public string Output => Encoding.UTF8.GetString(_output.ToArray());

    public string Error => _error.ToString();

    public void Set(string variable, string value) => _environment[variable] = value;

    public Task<int> RunAsync(params string[] args) => Producer.Cli.ProducerCommand.RunAsync(args, Terminal, CancellationToken.None);

    public void Dispose() => Terminal.Dispose();
}
