using System.Globalization;
using VlWorker.Inference.Optimizing;

namespace VlWorker.Diagnostics;

/// <summary>Whether the folders that the worker writes to can be written to and have room.</summary>
/// <param name="modelCache">Inference:ModelCache; empty for the default.</param>
/// <param name="journal">The folder of the crash journals; null where none is kept.</param>
internal sealed class DiskCheck(string modelCache, string? journal = null) : IDiagnosticCheck
{
    private const long Needed = 100L << 20;
    private const long Comfortable = 2L << 30;

    /// <inheritdoc/>
    public string Name => "disk";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation) => Task.FromResult<IReadOnlyList<Finding>>(
    [
        Look("model cache", modelCache.Length > 0 ? modelCache : ModelOptimizer.DefaultCache, "Inference:ModelCache"),
        Look("temporary files", Path.GetTempPath(), "TMPDIR"),
        .. journal is null ? [] : (Finding[])[LookAtJournal(journal)],
    ]);

    /// <summary>What free space means.</summary>
    public static Finding Judge(string what, string path, long free, string setting)
    {
        var detail = string.Create(CultureInfo.InvariantCulture, $"{what}, {path}: {free / 1e9:0.0} GB free");
        return free < Needed ? Finding.Fail("disk", detail, $"Make room, or set {setting} to another place")
            : free < Comfortable ? Finding.Warn("disk", detail, $"An optimised model may take gigabytes: make room, or set {setting} to another place")
            : Finding.Ok("disk", detail);
    }

    private static Finding Look(string what, string path, string setting)
    {
        try
        {
            Probe(path);
            return Judge(what, path, new DriveInfo(path).AvailableFreeSpace, setting);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Finding.Fail(
                "disk", $"{what}, {path}: it can't be written to: {error.Message}", $"Mount a writable volume there, or set {setting} to another place");
        }
    }

    /// <summary>It needs next to no room, and work goes on without it.</summary>
    private static Finding LookAtJournal(string path)
    {
        try
        {
            Probe(path);
            return Finding.Ok("disk", $"crash journal, {path}: it can be written to");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Finding.Warn(
                "disk",
                $"crash journal, {path}: it can't be written to: {error.Message}",
                "Mount a writable volume there, or set Journal:Folder to another place: messages that kill the worker would not be found out");
        }
    }

    private static void Probe(string path)
    {
        Directory.CreateDirectory(path);
        var probe = Path.Combine(path, $".vl-worker-doctor-{Environment.ProcessId}");
        File.WriteAllBytes(probe, [1]);
        File.Delete(probe);
    }
}
