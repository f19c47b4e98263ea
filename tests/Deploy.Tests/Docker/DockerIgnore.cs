using System.Text.RegularExpressions;

namespace VlWorker.Deploy.Tests.Docker;

/// <summary>.dockerignore: the last pattern that matches a path, or a folder above it, decides.</summary>
internal sealed class DockerIgnore(string text)
{
    private readonly IReadOnlyList<(Regex Pattern, bool Includes)> _rules =
    [
        .. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith('#'))
            .Select(line => (Translate(line.TrimStart('!')), line.StartsWith('!'))),
    ];

    /// <summary>Whether a path, written with slashes from the root, is left out of the build's context.</summary>
    public bool Ignores(string path) => _rules.LastOrDefault(rule => rule.Pattern.IsMatch(path)) is (not null, var includes) && !includes;

    private static Regex Translate(string pattern)
    {
        var escaped = Regex.Escape(pattern.Trim('/')).Replace(@"\*\*/", "(.*/)?", StringComparison.Ordinal).Replace(@"\*", "[^/]*", StringComparison.Ordinal);
        return new Regex($"^{escaped}(/.*)?$", RegexOptions.CultureInvariant);
    }
}
