namespace VlWorker.Deploy.Tests;

/// <summary>Where the files under test are.</summary>
internal static class Repository
{
    /// <summary>The folder with VlWorker.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>A path below the root, written with slashes.</summary>
    public static string At(string path) => Path.Combine(Root, path);

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "VlWorker.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException($"There is no VlWorker.sln above {AppContext.BaseDirectory}");
        return folder.FullName;
    }
}
