using System.Text.Json.Nodes;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>Copies of model folders for tests that change them.</summary>
internal static class ModelFolders
{
    /// <summary>Copies a folder, golden outputs left out, except for some files. The caller deletes it.</summary>
    public static string CopyWithout(string folder, params string[] names)
    {
        var copy = Directory.CreateTempSubdirectory("vlworker-model-").FullName;
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(folder, file).Replace('\\', '/');
            if (name.StartsWith("golden/", StringComparison.Ordinal) || names.Contains(name))
                continue;
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(copy, name))!);
            File.Copy(file, Path.Combine(copy, name));
        }

        return copy;
    }

    /// <summary>Changes a JSON file of a copy.</summary>
    public static void Change(string folder, string file, Action<JsonNode> change)
    {
        var path = Path.Combine(folder, file);
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }

    /// <summary>The repository's root.</summary>
    public static string Repository { get; } = FindRepository();

    private static string FindRepository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "VlWorker.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("not inside the repository");
        return folder;
    }
}
