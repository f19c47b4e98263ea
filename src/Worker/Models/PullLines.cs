using System.Globalization;
using VlWorker.ModelKit.Downloads;

namespace VlWorker.Models;

/// <summary>Prints how far a pull is: a line for each file, for each retry, and every few seconds in between.</summary>
internal sealed class PullLines(TextWriter output, TimeProvider time) : IProgress<PullProgress>
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private long _printed = time.GetTimestamp();

    public void Report(PullProgress value)
    {
        var done = value.FileBytes == value.FileSize;
        if (value.Note is null && !done && time.GetElapsedTime(_printed) < Interval)
            return;
        _printed = time.GetTimestamp();
        var share = value.FileSize == 0 ? 1 : (double)value.FileBytes / value.FileSize;
        output.WriteLine(value.Note is { } note
            ? $"{value.File}: {note}; trying again"
            : string.Create(CultureInfo.InvariantCulture, $"{value.File}: {(int)(100 * share)} % of {ByteSize.Text(value.FileSize)}"));
    }
}

/// <summary>Bytes for a person.</summary>
internal static class ByteSize
{
    private static readonly string[] Units = ["bytes", "kB", "MB", "GB", "TB"];

    /// <summary>Such as 12.3 MB.</summary>
    public static string Text(long bytes)
    {
        double value = bytes;
        var unit = 0;
        for (; value >= 1000 && unit < Units.Length - 1; unit++)
            value /= 1000;
        return string.Create(CultureInfo.InvariantCulture, $"{(unit == 0 ? value : Math.Round(value, 1))} {Units[unit]}");
    }
}
