using System.Buffers;
using System.Text.RegularExpressions;

namespace VlWorker.ModelKit.Downloads;

/// <summary>Names that come from outside: none may lead out of the folder it is meant for.</summary>
internal static partial class RepositoryPath
{
    /// <summary>Names that begin like this are our own.</summary>
    public const string OwnPrefix = ".vlworker-";

    private const int Longest = 1000;
    private const int LongestPart = 200;

    private static readonly SearchValues<char> Forbidden = SearchValues.Create("\\:*?\"<>|");

    /// <summary>Whether a path from a listing can be a file below a folder, on every system.</summary>
    public static bool IsSafe(string path) => path.Length is > 0 and <= Longest
        && !path.AsSpan().ContainsAny(Forbidden) && !path.Any(char.IsControl) && path.Split('/').All(IsSafePart);

    /// <summary>Whether a text names a repository: OWNER/NAME, or a name alone.</summary>
    public static bool IsRepository(string name) => Repository().IsMatch(name) && name.Split('/').All(IsSafePart);

    /// <summary>Whether a text may name a branch, tag or commit.</summary>
    public static bool IsRevision(string name) => name.Length is > 0 and <= LongestPart
        && !name.Any(char.IsControl) && name.Split('/').All(static part => part is not ("" or "." or ".."));

    /// <summary>A path in an address.</summary>
    public static string Escape(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    private static bool IsSafePart(string part) => part.Length is > 0 and <= LongestPart && part is not ("." or "..")
        && part[^1] is not ('.' or ' ') && part[0] != ' ' && !part.StartsWith(OwnPrefix, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)?\z")]
    private static partial Regex Repository();
}
