namespace VlWorker.Bench;

/// <summary>Where things lie in the source tree.</summary>
internal static class Repository
{
    private static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase) { ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp" };

    /// <summary>The folder of VlWorker.sln.</summary>
    public static string Root { get; } = Find();

    public static string Samples => Path.Combine(Root, "samples");

    public static string Models => Path.Combine(Root, "models");

    /// <summary>Names of the samples' JPEGs, in order.</summary>
    public static string[] Photos =>
        [.. Directory.EnumerateFiles(Samples, "*.jpg").Order(StringComparer.Ordinal).Select(static file => Path.GetFileName(file)!)];

    /// <summary>The images of a folder, by name.</summary>
    public static IReadOnlyList<string> Images(string folder) =>
        [.. Directory.EnumerateFiles(folder).Where(file => Extensions.Contains(Path.GetExtension(file))).Order(StringComparer.Ordinal)];

    private static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "VlWorker.sln")))
                return directory.FullName;
        }

        throw new InvalidOperationException("benchmarks run in a source tree");
    }
}
