using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Journal;

/// <summary>How a message that kills the process is found out (docs/operations.md).</summary>
internal sealed record JournalOptions
{
    public static string Section => "Journal";

    [Description("Folder of the crash journals, a file each process; it must outlive the process, and several workers may share it. Empty: vlworker/journal in the user's state directory.")]
    public string Folder { get; init; } = string.Empty;

    [Description("Processes that must have died while a message was alone in work before it becomes a dead letter (crashed-worker); 0 keeps no journal.")]
    [Range(0, 20)]
    public int Deaths { get; init; } = 2;

    /// <summary><see cref="Folder"/> with its default filled in.</summary>
    public string EffectiveFolder() => Folder.Length > 0 ? Path.GetFullPath(Folder) : DefaultFolder();

    /// <summary>Everything that is wrong with these settings.</summary>
    public IEnumerable<string> Check()
    {
        if (Deaths > 0 && File.Exists(EffectiveFolder()))
            yield return $"Folder: {EffectiveFolder()} is a file";
    }

    private static string DefaultFolder()
    {
        var home = Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } user ? Path.Combine(user, ".local", "state") : Path.GetTempPath();
        var root = Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } given ? given : home;
        return Path.Combine(root, "vlworker", "journal");
    }
}
