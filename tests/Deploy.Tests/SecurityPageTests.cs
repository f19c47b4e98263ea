using System.Text.RegularExpressions;

namespace VlWorker.Deploy.Tests;

/// <summary>Each claim of docs/security.md names a test; the tests that it names exist.</summary>
public sealed partial class SecurityPageTests
{
    private static readonly string Page = File.ReadAllText(Repository.At("docs/security.md"));

    [Fact]
    public void Every_test_that_is_named_exists()
    {
        var files = Directory.EnumerateFiles(Repository.At("tests"), "*.cs", SearchOption.AllDirectories).ToLookup(Path.GetFileNameWithoutExtension);
        var named = Test().Matches(Page).Select(match => (Class: match.Groups["class"].Value, Method: match.Groups["method"].Value)).Distinct().ToList();

        Assert.True(named.Count > 15);
        Assert.Equal([], named.Where(test => !files[test.Class].Any(file => test.Method.Length == 0 || File.ReadAllText(file).Contains($" {test.Method}(", StringComparison.Ordinal))));
    }

    [Fact]
    public void Every_claim_names_a_test()
    {
        var claims = Page.Split("## Claims and their tests")[1].Split("\n## ")[0].Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToList();

        Assert.True(claims.Count > 12);
        Assert.Equal([], claims.Where(claim => !Test().IsMatch(claim)));
    }

    [Fact]
    public void Files_that_it_names_exist() =>
        Assert.Equal([], Named().Matches(Page).Select(match => match.Groups[1].Value).Where(path => !Path.Exists(Repository.At(path))));

    [GeneratedRegex(@"`(?<class>[A-Z]\w+Tests)(\.(?<method>\w+))?`")]
    private static partial Regex Test();

    [GeneratedRegex(@"(?<![\w/.])((?:deploy|bench)/[\w./-]*\w)")]
    private static partial Regex Named();
}
