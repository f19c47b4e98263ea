namespace VlWorker.Files;

/// <summary>Where a user's programs keep what is theirs (XDG Base Directory Specification); without a home, below the temporary folder.</summary>
internal static class UserFolders
{
    /// <summary>What can be made again.</summary>
    public static string Cache => Find("XDG_CACHE_HOME", ".cache");

    /// <summary>What must outlive a process.</summary>
    public static string State => Find("XDG_STATE_HOME", Path.Combine(".local", "state"));

    private static string Find(string variable, string belowHome)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } given)
            return given;
        return Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home ? Path.Combine(home, belowHome) : Path.GetTempPath();
    }
}
