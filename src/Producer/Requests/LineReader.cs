using System.Runtime.CompilerServices;
using VlWorker.Contracts;

namespace VlWorker.Producer.Requests;

/// <summary>Reads a list line by line with bounded memory, from a file or, for <c>-</c>, from standard input.</summary>
internal static class LineReader
{
    /// <summary>The lines that hold something, with their numbers from 1.</summary>
    /// <exception cref="ProducerException">The file can't be read, or a line is longer than a request may be.</exception>
    public static async IAsyncEnumerable<(long Number, string Line)> ReadAsync(
        string path, TextReader input, long skip, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var file = path == "-" ? null : Open(path);
        for (var number = 1L; await NextAsync(file ?? input, path, cancellation) is { } line; number++)
        {
            if (line.Length > RequestLimits.MessageBytes)
                throw new ProducerException(ExitCode.Usage, $"line {number} is longer than a request may be: is this a list?");
            if (number > skip && !string.IsNullOrWhiteSpace(line))
                yield return (number, line);
        }
    }

    private static async ValueTask<string?> NextAsync(TextReader reader, string path, CancellationToken cancellation)
    {
        try
        {
            // Standard input may stay silent for ever; waiting for it must not outlive Ctrl-C.
            return await reader.ReadLineAsync(cancellation).AsTask().WaitAsync(cancellation);
        }
        catch (IOException error)
        {
            throw new ProducerException(ExitCode.Usage, $"can't read {path}: {error.Message}", error);
        }
    }

    private static StreamReader Open(string path)
    {
        try
        {
            return new StreamReader(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ProducerException(ExitCode.Usage, $"can't read the list {path}: {error.Message}", error);
        }
    }
}
