using System.Text;
using System.Text.RegularExpressions;

namespace VlWorker.ModelKit.Downloads;

/// <summary>Which of a repository's files to fetch.</summary>
internal static class FileChoice
{
    /// <summary>Configuration and tokenizer: all of what families read, and what other programs expect beside it.</summary>
    private static readonly string[] Configuration =
    [
        "config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", ModelFolder.ChatTemplateFile,
        ModelFolder.ChatTemplateJsonFile,
    ];

    private static readonly string[] Checkpoint = ["*.safetensors", "*.safetensors.index.json"];

    private static readonly string[] Torch = ["pytorch_model.bin", "pytorch_model-*.bin", "pytorch_model.bin.index.json"];

    private static readonly string[] Exports = ["onnx/*.onnx", "onnx/*.onnx_data", "onnx/*.onnx_data_*", "onnx/*.onnx.data"];

    /// <summary>
    /// Chooses files: those that are pinned; those that a pattern names; or, without either, configuration, tokenizer and the weights,
    /// which are the checkpoint in safetensors, or else the ONNX exports, or else the checkpoint in PyTorch's own format.
    /// </summary>
    /// <exception cref="PullException">A pin or a pattern names nothing, or the repository has no weights that are read here.</exception>
    public static IReadOnlyList<RepositoryFile> Choose(IReadOnlyList<RepositoryFile> files, PullOptions options)
    {
        foreach (var pinned in options.Pins?.Keys.Except(files.Select(static file => file.Path), StringComparer.Ordinal) ?? [])
            throw new PullException($"{options.Repository} has no file {pinned}, which is pinned");
        IReadOnlyList<RepositoryFile> candidates = options.Pins is null
            ? files
            : [.. files.Where(file => options.Pins.ContainsKey(file.Path)).Select(file => Pinned(file, options))];
        IReadOnlyList<RepositoryFile> chosen =
            options.Include.Count > 0 ? [.. options.Include.SelectMany(pattern => Match(candidates, pattern)).Distinct()]
            : options.Pins is not null ? candidates
            : [.. Matching(files, Configuration), .. Weights(files, options.Repository)];
        return [.. chosen.OrderBy(static file => file.Path, StringComparer.Ordinal)];
    }

    /// <summary>A pattern: * and ? stand for characters of one name, ** for anything.</summary>
    public static Regex Pattern(string glob)
    {
        var regex = new StringBuilder(@"\A");
        for (var i = 0; i < glob.Length; i++)
        {
            var twice = glob[i] == '*' && i + 1 < glob.Length && glob[i + 1] == '*';
            regex.Append(twice ? ".*" : glob[i] switch { '*' => "[^/]*", '?' => "[^/]", var letter => Regex.Escape(letter.ToString()) });
            i += twice ? 1 : 0;
        }

        return new Regex(regex.Append(@"\z").ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }

    private static List<RepositoryFile> Match(IReadOnlyList<RepositoryFile> files, string glob)
    {
        var matches = Matching(files, [glob]).ToList();
        return matches.Count > 0 ? matches : throw new PullException($"no file of the repository is named by {glob}");
    }

    private static IEnumerable<RepositoryFile> Matching(IReadOnlyList<RepositoryFile> files, string[] globs)
    {
        var patterns = globs.Select(Pattern).ToArray();
        return files.Where(file => patterns.Any(pattern => pattern.IsMatch(file.Path)));
    }

    private static List<RepositoryFile> Weights(IReadOnlyList<RepositoryFile> files, string repository) =>
        new[] { Checkpoint, Exports, Torch }.Select(globs => Matching(files, globs).ToList()).FirstOrDefault(static found => found.Count > 0)
        ?? throw new PullException($"{repository} has neither safetensors nor onnx/*.onnx nor pytorch_model.bin; name files with --include");

    private static RepositoryFile Pinned(RepositoryFile file, PullOptions options)
    {
        var pin = options.Pins![file.Path];
        if (pin.Size != file.Size)
            throw new PullException($"{file.Path} is pinned to {pin.Size} bytes, but the server lists {file.Size}");
        if (file.Sha256 is not null && file.Sha256 != pin.Sha256)
            throw new PullException($"{file.Path} is pinned to sha256 {pin.Sha256}, but the server lists {file.Sha256}");
        return file with { Sha256 = pin.Sha256 };
    }
}
