using System.Runtime.CompilerServices;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Requests;

/// <summary>Reads a list line by line with bounded memory, from a file or, for <c>-</c>, from standard input.</summary>
internal static class LineReader
{
    /// <summary>The lines that hold something, with their numbers from 1; null in place of one that is not UTF-8.</summary>
    /// <exception cref="ProducerException">The file can't be read, or a line is longer than a request may be.</exception>
    public static async IAsyncEnumerable<(long Number, string? Line)> ReadAsync(
        string path, Stream input, long skip, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var lines = path == "-" ? new ManifestLines(input, "standard input") : ManifestFile.OpenLines(path);

        // Standard input may stay silent for ever; waiting for it must not outlive Ctrl-C.
        while (await lines.NextAsync(cancellation).AsTask().WaitAsync(cancellation) is { } line)
        {
            if (line.IsCut)
            {
                throw new ProducerException(
                    ExitCode.Usage, $"line {line.Number} is longer than a request may be, {ManifestLines.Longest >> 20} MiB: is this a list?");
            }

            var text = ManifestFile.Text(line.Bytes);
            if (line.Number > skip && (text is null || !string.IsNullOrWhiteSpace(text)))
                yield return (line.Number, text);
        }
    }
}
