using System.Globalization;
using Spectre.Console;

namespace VlWorker.Bench;

/// <summary>Prints results and keeps them in a Markdown file with date and machine, if one is named.</summary>
internal sealed class Report(string title, string? file) : IDisposable
{
    private readonly List<string> _lines = [];

    public void Line(string text)
    {
        AnsiConsole.WriteLine(text);
        _lines.Add(text);
    }

    /// <summary>Adds to the file alone what was printed in another form.</summary>
    public void Keep(string markdown) => _lines.Add(markdown.Trim());

    public void Dispose()
    {
        if (file is null)
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        File.WriteAllText(file, $"""
            # {title}

            {DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}, {Environment.ProcessorCount} cores, {Cpu()}, .NET {Environment.Version}

            {string.Join("\n\n", _lines)}

            """);
    }

    private static string Cpu() => File.Exists("/proc/cpuinfo")
        ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown processor"
        : "unknown processor";
}
