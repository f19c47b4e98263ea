using System.Diagnostics;
using System.Globalization;
using System.Text;
using VlWorker.Integration.Infrastructure;
using VlWorker.Journal;

namespace VlWorker.Integration.EndToEnd;

/// <summary>A decoder with a defect: a library in place of libturbojpeg that really kills the process. The worker itself knows nothing of it.</summary>
public sealed class CrashingDecoder : IDisposable
{
    private const string Marker = "kills-the-decoder";

    /// <summary>Folder of the library, compiled once a process; it goes with the process.</summary>
    private static readonly Lazy<Task<string>> Library = new(CompileAsync);

    private readonly string _library;

    private CrashingDecoder(string library) => _library = library;

    /// <summary>A JPEG that other decoders read without a word, with the marker behind its end.</summary>
    public static byte[] DeadlyJpeg { get; } = [.. BadImages.Jpeg, .. Encoding.ASCII.GetBytes(Marker)];

    /// <summary>A folder of this one's own, for the workers' journals.</summary>
    public string Folder { get; } = Repository.NewFolder("decoder");

    /// <summary>Folder of the journals, for workers that share it.</summary>
    public string Journals => Path.Combine(Folder, "journal");

    /// <summary>Makes one; the caller disposes it.</summary>
    public static async Task<CrashingDecoder> CreateAsync() => new(await Library.Value);

    /// <summary>Settings of a worker that decodes with it.</summary>
    /// <param name="journals">Its journals' folder; by default the one that all share.</param>
    /// <param name="pause">How much longer each image takes.</param>
    public Dictionary<string, string> Settings(string? journals = null, TimeSpan pause = default) => new()
    {
        ["LD_LIBRARY_PATH"] = _library,
        ["TEST_DECODER_MICROSECONDS"] = pause.TotalMicroseconds.ToString(CultureInfo.InvariantCulture),
        ["Journal:Folder"] = journals ?? Journals,
    };

    /// <summary>What the workers have in their native code at this moment, or had when they died.</summary>
    internal IReadOnlyList<JournalEntry> InWork()
    {
        var entries = new List<JournalEntry>();
        foreach (var path in Directory.Exists(Journals) ? Directory.GetFiles(Journals) : [])
        {
            // Entries follow a header of the same size.
            foreach (var slot in UnlockedFile.Read(path).Chunk(JournalEntry.Bytes).Skip(1))
            {
                if (JournalEntry.Read(slot) is { Stage: not WorkStage.None } entry)
                    entries.Add(entry);
            }
        }

        return entries;
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static async Task<string> CompileAsync()
    {
        var real = Directory.GetDirectories("/usr/lib").Select(folder => Path.Combine(folder, "libturbojpeg.so.0")).First(File.Exists);
        var folder = Repository.NewFolder("library");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        var start = new ProcessStartInfo(
            "gcc",
            [
                "-shared", "-fPIC", "-Wall", "-Werror", $"-DREAL=\"{real}\"", $"-DMARKER=\"{Marker}\"", "-o", Path.Combine(folder, "libturbojpeg.so.0"),
                Repository.At("tests", "Integration", "EndToEnd", "libturbojpeg.c"),
            ])
        { RedirectStandardError = true };
        using var compiler = Process.Start(start)!;
        var errors = await compiler.StandardError.ReadToEndAsync();
        await compiler.WaitForExitAsync();
        Assert.True(compiler.ExitCode == 0, errors);
        return folder;
    }
}
