using System.Text.RegularExpressions;

namespace VlWorker.Worker.Tests;

/// <summary>House rules that the compiler does not check, over the sources of all projects.</summary>
public sealed partial class SourceRulesTests
{
    private const int MaxLines = 250;

    private static readonly string Root = FindRoot();

    public static TheoryData<string, string> Banned => new()
    {
        { @"\bDateTime\.(Utc)?Now\b|\bDateTime\.Today\b|\bDateTimeOffset\.(Utc)?Now\b", "time comes from TimeProvider" },
        { @"\bThread\.Sleep\(", "wait for something, not for a time" },
        { @"\bTask\.Delay\((?![^;]*\b\w*(time|Time|TimeProvider|clock|terminal\.Time)\b\s*[,)])", "give Task.Delay a TimeProvider" },
        { @"\bChannel\.CreateUnbounded\b", "channels are bounded" },
    };

    [Fact]
    public void Files_stay_short()
    {
        var offending = Sources("src", "tests", "bench").Select(static path => (path, lines: File.ReadLines(path).Count()))
            .Where(static file => file.lines >= MaxLines).Select(static file => $"{Path.GetRelativePath(Root, file.path)}: {file.lines} lines").ToArray();

        Assert.True(offending.Length == 0, $"At most {MaxLines - 1} lines a file:\n{string.Join('\n', offending)}");
    }

    [Theory]
    [MemberData(nameof(Banned))]
    public void Product_code_does_not_use_what_is_banned(string pattern, string advice)
    {
        var regex = new Regex(pattern, RegexOptions.CultureInvariant);
        var offending = Sources("src").SelectMany(path => Matches(path, regex)).ToArray();

        Assert.True(offending.Length == 0, $"{advice}:\n{string.Join('\n', offending)}");
    }

    [Theory]
    [InlineData("var now = DateTime.UtcNow;", 0)]
    [InlineData("await Task.Delay(pause, cancellation);", 2)]
    [InlineData("await Task.Delay(pause);", 2)]
    public void The_patterns_find_what_they_ban(string code, int pattern) => Assert.Matches(Banned.ElementAt(pattern)[0].ToString()!, code);

    [Theory]
    [InlineData("await Task.Delay(pause, time, cancellation);", 2)]
    [InlineData("await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), time, cancellation);", 2)]
    [InlineData("/// <summary>In place of DateTimeOffset.UtcNow.</summary>", 0)]
    public void The_patterns_let_the_rest_pass(string code, int pattern) =>
        Assert.DoesNotMatch(Banned.ElementAt(pattern)[0].ToString()!, Comment().Replace(code, ""));

    [Fact]
    public void Every_package_is_credited()
    {
        var notice = File.ReadAllText(Path.Combine(Root, "NOTICE.md"));
        var packages = Package().Matches(File.ReadAllText(Path.Combine(Root, "Directory.Packages.props"))).Select(static match => match.Groups[1].Value).ToArray();

        Assert.NotEmpty(packages);
        Assert.Equal([], packages.Where(package => !Regex.IsMatch(notice, $@"(^\| |, ){Regex.Escape(package)}(,| \|)", RegexOptions.Multiline)));
    }

    private static IEnumerable<string> Matches(string path, Regex regex) => File.ReadLines(path)
        .Select(static (line, index) => (Code: Comment().Replace(line, ""), Number: index + 1))
        .Where(line => regex.IsMatch(line.Code))
        .Select(line => $"{Path.GetRelativePath(Root, path)}:{line.Number}: {line.Code.Trim()}");

    private static IEnumerable<string> Sources(params string[] folders) => folders
        .SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories))
        .Where(static path => !Generated().IsMatch(path));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "VlWorker.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException($"There is no VlWorker.sln above {AppContext.BaseDirectory}");
        return folder.FullName;
    }

    [GeneratedRegex("PackageVersion Include=\"([^\"]+)\"")]
    private static partial Regex Package();

    [GeneratedRegex("[/\\\\](bin|obj|node_modules)[/\\\\]")]
    private static partial Regex Generated();

    [GeneratedRegex(@"(?<![:""])//.*$")]
    private static partial Regex Comment();
}
