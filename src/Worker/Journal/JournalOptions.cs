using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using VlWorker.Files;

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
    public string EffectiveFolder() => Folder.Length > 0 ? Path.GetFullPath(Folder) : Path.Combine(UserFolders.State, "vlworker", "journal");

    /// <summary>Everything that is wrong with these settings.</summary>
    public IEnumerable<string> Check()
    {
        if (Deaths > 0 && File.Exists(EffectiveFolder()))
            yield return $"Folder: {EffectiveFolder()} is a file";
    }
}
