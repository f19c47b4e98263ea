using System.Globalization;

namespace VlWorker.ModelKit.Downloads;

/// <summary>
/// A text file that says what files must be: a line each of sha256, bytes and path. Empty lines and those that begin with # don't count.
/// </summary>
internal static class PinFile
{
    private const int DigestDigits = 64;

    /// <summary>Reads pins by path.</summary>
    /// <exception cref="PullException">A line is malformed, or the file can't be read.</exception>
    public static IReadOnlyDictionary<string, Pin> Read(string path)
    {
        try
        {
            return Parse(File.ReadAllLines(path), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PullException($"{path} can't be read: {error.Message}", error);
        }
    }

    /// <summary>The line of a file.</summary>
    public static string Line(string path, Pin pin) => string.Create(CultureInfo.InvariantCulture, $"{pin.Sha256} {pin.Size} {path}");

    private static Dictionary<string, Pin> Parse(string[] lines, string path)
    {
        var pins = new Dictionary<string, Pin>(StringComparer.Ordinal);
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (line.Length == 0 || line[0] == '#')
                continue;
            if (line.Split((char[]?)null, 3, StringSplitOptions.RemoveEmptyEntries) is not [var digest, var size, var name]
                || digest.Length != DigestDigits || !digest.All(char.IsAsciiHexDigit)
                || !long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) || !RepositoryPath.IsSafe(name))
                throw new PullException($"{path}, line {i + 1}: it is not SHA256 BYTES PATH");
            if (!pins.TryAdd(name, new Pin(digest.ToLowerInvariant(), bytes)))
                throw new PullException($"{path}, line {i + 1}: {name} is pinned twice");
        }

        return pins.Count > 0 ? pins : throw new PullException($"{path} pins nothing");
    }
}
