using System.Text.Json;
using VlWorker.Demo;

namespace VlWorker.Models.Verification;

/// <summary>The images of a verification, what truth.json says about them, and the texts.</summary>
/// <param name="Folder">Full path of the folder.</param>
/// <param name="Names">Paths below the folder, in ordinal order.</param>
/// <param name="Truth">Captions by path; empty without truth.json.</param>
/// <param name="ExtraTexts">Texts of the user's own file.</param>
internal sealed record ImageSet(string Folder, IReadOnlyList<string> Names, IReadOnlyDictionary<string, string> Truth,
    IReadOnlyList<string> ExtraTexts)
{
    /// <summary>The file with the captions, in the folder of images.</summary>
    public const string TruthFile = "truth.json";

    /// <summary>Finds the images and reads the truth about them.</summary>
    /// <exception cref="ModelCommandException">There are no images, or a file can't be read.</exception>
    public static ImageSet Open(VerifySettings settings, CancellationToken cancellation)
    {
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(settings.Images));
        if (!Directory.Exists(folder))
            throw new ModelCommandException(File.Exists(folder) ? $"'{folder}' is a file: --images takes a folder"
                : $"there is no folder '{folder}'");
        var output = settings.Out is { Length: > 0 } path ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)) : string.Empty;
        var scan = ImageScan.Run(folder, output, settings.Limit, cancellation);
        if (scan.Keys.Count == 0)
            throw new ModelCommandException($"there are no images in '{folder}'");
        try
        {
            return new ImageSet(folder, scan.Keys, ReadTruth(Path.Combine(folder, TruthFile)), settings.Texts is { } texts ? ReadTexts(texts) : []);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelCommandException(error.Message, error);
        }
    }

    /// <summary>The caption of truth.json; null where it has none.</summary>
    public string? TruthOf(string name) => Truth.GetValueOrDefault(name);

    private static Dictionary<string, string> ReadTruth(string path)
    {
        if (!File.Exists(path))
            return [];
        try
        {
            var truth = new Dictionary<string, string>(StringComparer.Ordinal);
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            foreach (var entry in json.RootElement.EnumerateArray())
                truth[Text(entry, "file").Replace('\\', '/')] = Text(entry, "caption");
            return truth;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or InvalidDataException)
        {
            throw new ModelCommandException($"{path} is not an array of objects with \"file\" and \"caption\": {error.Message}", error);
        }
    }

    private static string Text(JsonElement entry, string name) => entry.TryGetProperty(name, out var value) && value.GetString() is { } text
        ? text : throw new InvalidDataException($"an entry has no {name}");

    private static List<string> ReadTexts(string path) =>
        [.. File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0).Distinct(StringComparer.Ordinal)];
}
