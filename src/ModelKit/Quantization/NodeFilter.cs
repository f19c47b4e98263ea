using System.Text.RegularExpressions;

namespace VlWorker.ModelKit.Quantization;

/// <summary>Which nodes are rewritten: those of some operators, except some by name.</summary>
/// <param name="Operators">Operators of ONNX.</param>
/// <param name="Exclude">Patterns of names with * and ?, such as <c>*/lm_head/*</c>; held against the node's name, its weight's and its
/// output's.</param>
internal sealed record NodeFilter(IReadOnlyCollection<string> Operators, IReadOnlyList<string> Exclude)
{
    private readonly (string Pattern, Regex Regex)[] _patterns = [.. Exclude.Select(pattern => (pattern, Compile(pattern)))];
    private readonly HashSet<string> _matched = new(StringComparer.Ordinal);

    /// <summary>The patterns that have matched nothing so far: most are typing errors.</summary>
    public IEnumerable<string> Unmatched => _patterns.Select(entry => entry.Pattern).Where(pattern => !_matched.Contains(pattern));

    /// <summary>The pattern that leaves a node out.</summary>
    /// <param name="names">The names that the node is known by.</param>
    /// <returns>Null if none does.</returns>
    public string? Excluding(params ReadOnlySpan<string> names)
    {
        foreach (var (pattern, regex) in _patterns)
        {
            foreach (var name in names)
            {
                if (!regex.IsMatch(name))
                    continue;
                _matched.Add(pattern);
                return pattern;
            }
        }

        return null;
    }

    private static Regex Compile(string pattern) => new(
        "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal) + "$",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
}
