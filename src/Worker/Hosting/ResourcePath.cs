namespace VlWorker.Hosting;

/// <summary>Finds files that ship with the worker, whatever directory it was started from.</summary>
internal static class ResourcePath
{
    /// <summary>
    /// Resolves a path: absolute ones as they are; relative ones against the current directory, then the executable's, then each
    /// directory above the executable's (so that <c>dotnet run</c> finds models/ and samples/ of the source tree).
    /// </summary>
    /// <returns>The first that exists, else the path below the current directory.</returns>
    public static string Resolve(string path)
    {
        if (Path.IsPathRooted(path))
            return path;
        var local = Path.GetFullPath(path);
        if (Path.Exists(local))
            return local;
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            var candidate = Path.Combine(directory.FullName, path);
            if (Path.Exists(candidate))
                return candidate;
        }

        return local;
    }
}
