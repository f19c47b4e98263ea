using System.Collections.Concurrent;
using System.Formats.Tar;
using System.IO.Compression;

namespace VlWorker.Worker.Tests.Fixtures;

/// <summary>Tiny model folders with golden outputs, packed beside the tests; see tests/Fixtures/README.md.</summary>
internal static class FixtureArchive
{
    private static readonly ConcurrentDictionary<string, Lazy<string>> Unpacked = new(StringComparer.Ordinal);

    private static readonly Lazy<string> Root = new(() =>
    {
        var root = Directory.CreateTempSubdirectory("vlworker-fixtures-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(root, recursive: true);
        return root;
    });

    /// <summary>Unpacks a fixture once a process. Thread-safe. Tests share the folder and only read it; it goes with the process.</summary>
    /// <param name="name">The archive's name without its endings, such as "clip-tiny".</param>
    /// <returns>The full path of the model folder.</returns>
    /// <exception cref="FileNotFoundException">No such archive beside the running assembly.</exception>
    public static string Extract(string name) =>
        Unpacked.GetOrAdd(name, static name => new Lazy<string>(() => Unpack(name))).Value;

    private static string Unpack(string name)
    {
        var folder = Path.Combine(Root.Value, name);
        Directory.CreateDirectory(folder);
        Unpack(name, folder);
        FixtureDecoder.Decode(folder);
        // All models were given the same images.
        Unpack("images", folder);
        return folder;
    }

    private static void Unpack(string archive, string folder)
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Fixtures", archive + ".tar.br"));
        using var tar = new BrotliStream(file, CompressionMode.Decompress);
        TarFile.ExtractToDirectory(tar, folder, overwriteFiles: false);
    }
}
