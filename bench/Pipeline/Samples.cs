namespace VlWorker.Bench.Pipeline;

/// <summary>The sample images as a worker's input.</summary>
internal static class Samples
{
    /// <summary>Files of samples/ that are images.</summary>
    public static IReadOnlyList<string> Files { get; } =
        [.. Directory.GetFiles(Repository.Samples).Where(file => !file.EndsWith(".json", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>Puts them all into a bucket; returns the keys.</summary>
    public static async Task<IReadOnlyList<string>> UploadAsync(Bucket bucket)
    {
        foreach (var file in Files)
            await bucket.PutAsync(Path.GetFileName(file), await File.ReadAllBytesAsync(file));
        return [.. Files.Select(file => Path.GetFileName(file)!)];
    }
}
