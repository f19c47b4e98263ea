using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Sources;

/// <summary>Makes entries of what a manifest says, whatever its form.</summary>
/// <param name="bucket">The bucket of lines that name none, or null.</param>
internal sealed class ManifestEntry(string? bucket)
{
    private const string Scheme = "s3://";

    /// <summary>The names of columns, and what stands for them.</summary>
    public static IReadOnlyDictionary<string, string> Columns { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["key"] = "key",
        ["path"] = "key",
        ["bucket"] = "bucket",
        ["etag"] = "etag",
        ["e_tag"] = "etag",
        ["versionId"] = "versionId",
        ["version_id"] = "versionId",
        ["bytes"] = "bytes",
        ["size"] = "bytes",
    };

    /// <summary>Maps the columns of a table to what they mean.</summary>
    /// <exception cref="ProducerException">There is no key among them.</exception>
    public static Dictionary<string, int> Map(string path, IReadOnlyList<string> names)
    {
        var map = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < names.Count; i++)
        {
            if (Columns.TryGetValue(names[i].Trim(), out var meaning))
                map.TryAdd(meaning, i);
        }

        return map.ContainsKey("key")
            ? map
            : throw new ProducerException(ExitCode.Usage, $"the manifest {path} has no column 'key'; it has {(names.Count == 0 ? "none" : string.Join(", ", names))}");
    }

    /// <summary>The entry of a row of a table.</summary>
    public SourceEntry FromRow(long place, Func<string, string?> value)
    {
        var bytes = long.TryParse(value("bytes"), NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : 0;
        var reference = new ImageReference
        {
            Bucket = Text(value("bucket")),
            Key = Text(value("key")),
            VersionId = Text(value("versionId")),
            Etag = Text(value("etag")),
        };
        return FromRequest(place, place, new DescribeImage { Image = reference }, bytes);
    }

    /// <summary>The entry of a request, with or without fields of its own.</summary>
    public SourceEntry FromRequest(long record, long place, DescribeImage request, long bytes = 0)
    {
        var image = Split(request.Image);
        var item = new DescribeImage { Id = "x", Image = (image ?? new ImageReference()) with { Bucket = image?.Bucket ?? bucket } };
        var faults = (request with { Id = "x", JobId = null, Image = item.Image }).Validate();
        if (faults.Count > 0)
            return SourceEntry.Wrong(Position(record), place, string.Join("; ", faults));
        var own = request with
        {
            Id = null,
            JobId = null,
            Image = image?.VersionId is null ? null : new ImageReference { VersionId = image.VersionId },
        };
        var json = own == new DescribeImage() ? null : System.Text.Encoding.UTF8.GetString(ContractsJson.Write(own));
        return SourceEntry.Of(Position(record), new ListedItem(item.Image!.Bucket!, item.Image.Key!, image!.Etag?.Trim('"'), json), bytes);
    }

    /// <summary>Records of a manifest that a position lies behind.</summary>
    public static long Records(string? position) => position is null ? 0 : long.Parse(position, CultureInfo.InvariantCulture);

    /// <summary>The position behind a record.</summary>
    public static string Position(long record) => record.ToString(CultureInfo.InvariantCulture);

    private static string? Text(string? value) => string.IsNullOrEmpty(value) ? null : value;

    // s3://bucket/key stands for both.
    private static ImageReference? Split(ImageReference? image)
    {
        if (image?.Key?.StartsWith(Scheme, StringComparison.Ordinal) != true)
            return image;
        var path = image.Key[Scheme.Length..];
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 ? image with { Bucket = path[..slash], Key = path[(slash + 1)..] } : image with { Key = null };
    }
}
