namespace VlWorker.Bench.Decoding;

/// <summary>Finds files of the repository from wherever the bench was built.</summary>
internal static class Repository
{
    private static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase) { ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp" };

    /// <summary>The folder that holds the solution.</summary>
    public static string Root { get; } = Find();

    /// <summary>The images of a folder, by name.</summary>
    public static IReadOnlyList<string> Images(string folder) =>
        [.. Directory.EnumerateFiles(folder).Where(file => Extensions.Contains(Path.GetExtension(file))).Order(StringComparer.Ordinal)];

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "VlWorker.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException("VlWorker.sln is in none of the folders above the bench.");
    }
}
