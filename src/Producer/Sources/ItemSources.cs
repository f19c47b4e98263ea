using System.IO.Enumeration;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Sources;

/// <summary>The source of a job's settings.</summary>
internal static class ItemSources
{
    /// <summary>Forms of manifests.</summary>
    public static IReadOnlyList<string> Formats { get; } = ["jsonl", "csv", "parquet", "keys"];

    /// <summary>Opens it; the caller disposes of it.</summary>
    /// <exception cref="ProducerException">It can't be opened.</exception>
    public static IItemSource Open(SourceSettings settings, StoreSettings store)
    {
        if (settings.Folder is { } folder)
            return new FolderSource(folder, settings.Bucket!);
        if (settings.Manifest is not { } manifest)
            return new BucketSource(store.Connect(), settings.Bucket!, settings.Prefix ?? "");
        return (settings.ManifestFormat ?? FormatOf(manifest)) switch
        {
            "csv" => new CsvSource(manifest, settings.Bucket),
            "parquet" => new ParquetSource(manifest, settings.Bucket),
            "jsonl" => new LinesSource(manifest, settings.Bucket, json: true),
            _ => new LinesSource(manifest, settings.Bucket, json: false),
        };
    }

    /// <summary>Whether a key is wanted.</summary>
    public static bool Includes(SourceSettings settings, string key) =>
        settings.Include.Count == 0 || settings.Include.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, key, ignoreCase: true));

    private static string FormatOf(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".csv" or ".tsv" => "csv",
        ".parquet" => "parquet",
        ".jsonl" or ".ndjson" or ".json" => "jsonl",
        _ => "keys",
    };
}
