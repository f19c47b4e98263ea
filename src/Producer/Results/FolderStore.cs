using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Results;

/// <summary>A JSON file an image, named like its key: <c>DIR/BUCKET/KEY.json</c>. A result that comes again replaces itself.</summary>
/// <param name="folder">The folder.</param>
internal sealed class FolderStore(string folder) : IResultStore
{
    /// <summary>Bytes of a name at most; most file systems take 255.</summary>
    private const int LongestName = 200;

    /// <summary>Bytes of a path at most, with room for what marks an unfinished file; systems take 4,096. No key of S3 is longer.</summary>
    private const int LongestPath = 4000;

    /// <inheritdoc/>
    public int Capacity => 500;

    /// <inheritdoc/>
    public TimeSpan Delay => TimeSpan.FromMilliseconds(200);

    /// <inheritdoc/>
    public void Add(Arrival arrival)
    {
        var answer = AnswerBody.Read(arrival.Body);
        var path = Path.Combine([folder, .. Names(answer)]) + ".json";
        if (Encoding.UTF8.GetByteCount(Path.GetFullPath(path)) > LongestPath)
            throw new JsonException("its key is too long for the name of a file");
        using var line = new MemoryStream();
        new JsonLinesWriter(line).Write(arrival.Body);
        DurableFile.Guard(path, () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            DurableFile.Write(path, line.GetBuffer().AsSpan(0, (int)line.Length));
            return true;
        });
    }

    /// <inheritdoc/>
    public Task FlushAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>A part of a key as a name that every file system takes and that leads nowhere else.</summary>
    internal static string Name(string part)
    {
        var name = new StringBuilder();
        foreach (var unit in part)
        {
            if (char.IsLetterOrDigit(unit) || char.IsSurrogate(unit) || " ._-()[]@+,=~!#$&'".Contains(unit, StringComparison.Ordinal))
                name.Append(unit);
            else
                name.Append('%').Append(((int)unit).ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        if (part is "" or "." or "..")
            return "%" + string.Concat(part.Select(_ => "2E"));
        if (Encoding.UTF8.GetByteCount(name.ToString()) <= LongestName)
            return name.ToString();
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(part)).AsSpan(0, 8));
        return $"{name.ToString(0, Math.Min(name.Length, LongestName / 4))}~{hash}";
    }

    private static IEnumerable<string> Names(Answer answer)
    {
        var (bucket, key) = answer switch
        {
            { Image: { } image } => (image.Image.Bucket, image.Image.Key),
            { Rejection.Image: { Bucket: { } b, Key: { } k } } => (b, k),
            _ => ("%texts", answer.Id),
        };
        var parts = key.Split('/');
        return [bucket == "%texts" ? bucket : Name(bucket), .. parts[..^1].Select(Folder), Name(parts[^1])];
    }

    // The object a.json/b must not need a folder where the result of the object a is a file.
    private static string Folder(string part)
    {
        var name = Name(part);
        return name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? name[..^1] + "%6E"
            : name.EndsWith(DurableFile.Unfinished, StringComparison.OrdinalIgnoreCase) ? name[..^1] + "%70"
            : name;
    }
}
