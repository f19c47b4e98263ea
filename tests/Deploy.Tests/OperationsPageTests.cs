using System.Text.RegularExpressions;
using VlWorker.Deploy.Tests.Yaml;

namespace VlWorker.Deploy.Tests;

/// <summary>docs/operations.md against what it speaks of.</summary>
public sealed partial class OperationsPageTests
{
    private static readonly string Page = File.ReadAllText(Repository.At("docs/operations.md"));

    [Fact]
    public void Every_alert_has_its_line_among_the_incidents()
    {
        var alerts = YamlDocuments.Load(Repository.At("deploy/prometheus/alerts.yml")).Single()["groups"]!.AsArray()
            .SelectMany(group => group!["rules"]!.AsArray()).Select(rule => rule!["alert"]?.ToString()).OfType<string>().ToList();

        Assert.NotEmpty(alerts);
        Assert.Equal([], alerts.Except(Incident().Matches(Page).Select(match => match.Groups[1].Value)));
    }

    [Fact]
    public void Files_folders_and_settings_that_it_names_exist()
    {
        var paths = Named().Matches(Page).Select(match => match.Groups[1].Value.TrimEnd('.')).Where(path => !path.Contains("/bin/", StringComparison.Ordinal)).Distinct().ToList();

        Assert.True(paths.Count > 10);
        Assert.Equal([], paths.Where(path => !Path.Exists(Repository.At(path))));
        Assert.Equal([], Link().Matches(Page).Select(match => match.Groups[1].Value).Where(link => !Path.Exists(Repository.At($"docs/{link}"))));
    }

    [Fact]
    public void Every_overlay_is_described()
    {
        foreach (var overlay in Directory.EnumerateDirectories(Repository.At("deploy/k8s/overlays")).Select(folder => Path.GetFileName(folder)!))
            Assert.Contains($"| {overlay} | ", Page, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^\| (VlWorker\w+) \|", RegexOptions.Multiline)]
    private static partial Regex Incident();

    [GeneratedRegex(@"(?<![\w/.])((?:deploy|tests|src|bench)/[\w./-]+)")]
    private static partial Regex Named();

    [GeneratedRegex(@"\]\(((?:\.\./)?[\w./-]+\.md)\)")]
    private static partial Regex Link();
}
