using Microsoft.Win32.SafeHandles;

namespace VlWorker.Producer;

/// <summary>Where a command reads and writes: the process's own streams, or a test's. Disposing flushes them.</summary>
internal sealed class Terminal : IDisposable
{
    /// <summary>Columns below which tables and bars are not made narrower: the terminal breaks their lines.</summary>
    public const int Narrowest = 40;

    private const int StandardOutput = 1;

    /// <summary>Standard input, bytes as they come.</summary>
    public required Stream Input { get; init; }

    /// <summary>Standard output, unbuffered bytes.</summary>
    public required Stream Output { get; init; }

    /// <summary>What is for a person: errors, warnings, summaries.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Whether <see cref="Output"/> is a terminal and not a pipe or a file.</summary>
    public required bool IsInteractive { get; init; }

    /// <summary>Columns of the terminal.</summary>
    public int Width { get; init; } = 120;

    /// <summary>Reads an environment variable.</summary>
    public required Func<string, string?> Environment { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The process's own streams.</summary>
    public static Terminal OfProcess() => new()
    {
        Input = Console.OpenStandardInput(),
        Output = OpenOutput(),
        Error = Console.Error,
        IsInteractive = !Console.IsOutputRedirected,
        Width = Console.IsOutputRedirected || Console.WindowWidth <= 0 ? 120 : Console.WindowWidth,
        Environment = System.Environment.GetEnvironmentVariable,
    };

    /// <summary>Whether writing failed because nobody reads the output any more, as <c>head</c> after its last line, and not because its disk is full.</summary>
    public static bool IsUnread(IOException error)
    {
        const int BrokenPipe = 32, WindowsBrokenPipe = 109, WindowsNoData = 232;
        return (error.HResult & 0xFFFF) is BrokenPipe or WindowsBrokenPipe or WindowsNoData;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Error.Flush();
        Output.Dispose();
        Input.Dispose();
    }

    // The console's own stream hides that the reader of a pipe has left. A message is acknowledged once it is printed: printing into the
    // void would lose it, so the failure must show.
    private static Stream OpenOutput()
    {
        if (OperatingSystem.IsWindows())
            return Console.OpenStandardOutput();
        var stream = new FileStream(new SafeFileHandle(StandardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);

        // A file has no reader that leaves, and others may write to it through the same handle: a FileStream would write over them.
        return stream.CanSeek ? Console.OpenStandardOutput() : stream;
    }
}
