namespace VlWorker.Integration.Infrastructure;

/// <summary>Paths in this checkout.</summary>
public static class Repository
{
    /// <summary>The folder with VlWorker.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Debug or Release: what this test assembly was built as.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    /// <summary>A path below <see cref="Root"/>.</summary>
    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>A new folder of one's own in the temp folder.</summary>
    public static string NewFolder(string name) => Directory.CreateTempSubdirectory($"vlworker-{name}-").FullName;

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VlWorker.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"There is no VlWorker.sln above {AppContext.BaseDirectory}");
    }
}
