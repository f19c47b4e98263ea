using System.Text.Json;

namespace VlWorker.Producer.Results;

/// <summary>The end of a file of JSON lines, where a crash may have torn the last one: its message comes again.</summary>
internal static class TornLine
{
    /// <summary>Removes a torn line and leaves the file at its end, behind a line feed.</summary>
    /// <exception cref="ProducerException">What it ends with is no part of a JSON line.</exception>
    public static void Mend(FileStream file)
    {
        var whole = WholeLines(file);
        var last = new byte[file.Length - whole];
        file.Position = whole;
        file.ReadExactly(last);
        if (last.Length == 0)
            return;
        if (IsDocument(last))
        {
            // Somebody else's last line, or one from which a crash took no more than its end.
            file.WriteByte((byte)'\n');
            return;
        }

        if (last[0] is not ((byte)'{' or 0))
            throw new ProducerException(ExitCode.JobFile, $"{file.Name} does not end as JSON lines do: is it another file?");
        file.SetLength(whole);
    }

    private static long WholeLines(FileStream file)
    {
        var block = new byte[64 << 10];
        for (var end = file.Length; end > 0;)
        {
            var part = block.AsSpan(0, (int)Math.Min(end, block.Length));
            end -= part.Length;
            file.Position = end;
            file.ReadExactly(part);
            if (part.LastIndexOf((byte)'\n') is >= 0 and var at)
                return end + at + 1;
        }

        return 0;
    }

    private static bool IsDocument(byte[] line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
