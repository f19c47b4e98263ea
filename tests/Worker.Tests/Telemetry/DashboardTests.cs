using System.Text.Json;
using System.Text.RegularExpressions;
using VlWorker.Hosting;

namespace VlWorker.Worker.Tests.Telemetry;

/// <summary>Dashboard and alert rules ask for what the worker exposes: a metric that is not there draws nothing and never alerts.</summary>
public sealed partial class DashboardTests
{
    private const int MostBytes = 40 * 1024;

    private static readonly string Dashboard = Deployed("grafana", "dashboards", "vlworker.json");
    private static readonly string Alerts = Deployed("prometheus", "alerts.yml");
    private static readonly string[] Histogram = ["_bucket", "_sum", "_count"];

    /// <summary>What Prometheus itself adds, and what prometheus-net and RabbitMQ expose.</summary>
    private static readonly Dictionary<string, string[]> Others = new()
    {
        ["up"] = [],
        ["ALERTS"] = ["alertname", "alertstate"],
        ["process_start_time_seconds"] = [],
        ["process_cpu_seconds_total"] = [],
        ["process_working_set_bytes"] = [],
        ["rabbitmq_detailed_queue_messages_ready"] = ["queue", "vhost"],
        ["rabbitmq_detailed_queue_messages_unacked"] = ["queue", "vhost"],
    };

    private static readonly string[] Everywhere = ["job", "instance", "le"];

    public static TheoryData<string, string[]> Sources => new()
    {
        { "vlworker.json", Expressions(JsonDocument.Parse(Dashboard).RootElement).ToArray() },
        { "alerts.yml", [.. Rule().Matches(Alerts).Select(static match => match.Groups[1].Value)] },
    };

    [Theory]
    [MemberData(nameof(Sources))]
    public void Every_metric_that_is_asked_for_is_exposed_with_the_labels_that_are_asked_for(string file, string[] expressions)
    {
        var known = Known();
        Assert.True(expressions.Length > 8, $"{file}: only {expressions.Length} expressions were found");
        foreach (var expression in expressions)
        {
            var metrics = Metric().Matches(Text().Replace(expression, "\"\"")).Select(static match => match.Value).Where(static name => !IsLanguage(name)).ToArray();
            var selectors = Selector().Matches(expression).ToArray();
            var labels = selectors.SelectMany(static match => Label().Matches(match.Groups[2].Value)).Select(static match => match.Groups[1].Value)
                .Concat(Grouping().Matches(expression).SelectMany(static match => match.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries))).ToArray();

            Assert.NotEmpty(selectors);
            Assert.Equal([], selectors.Select(static match => match.Groups[1].Value).Where(name => !known.ContainsKey(name)).Select(name => $"{file} asks for {name}"));
            var allowed = selectors.SelectMany(match => known[match.Groups[1].Value]).Concat(Everywhere).ToHashSet();
            Assert.Equal([], labels.Where(label => !allowed.Contains(label)).Select(label => $"{file} asks for the label {label} in: {expression}"));
            Assert.NotEmpty(metrics);
        }
    }

    [Fact]
    public void What_has_no_braces_is_looked_at_too() =>
        Assert.Equal(["vlworker_consuming", "vlworker_gone"], Selector().Matches("vlworker_consuming == 0 and rate(vlworker_gone{lane=\"x\"}[5m])").Select(static match => match.Groups[1].Value));

    [Fact]
    public void The_dashboard_is_small_and_its_panels_are_told_apart()
    {
        using var dashboard = JsonDocument.Parse(Dashboard);
        var panels = dashboard.RootElement.GetProperty("panels").EnumerateArray().ToArray();

        Assert.InRange(Dashboard.Length, 1, MostBytes);
        Assert.Equal(panels.Length, panels.Select(static panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        Assert.Equal([], Overlaps(panels));
        Assert.All(panels, static panel => Assert.False(string.IsNullOrEmpty(panel.GetProperty("title").GetString())));
    }

    [Fact]
    public void Every_alert_says_what_to_do_and_is_tested()
    {
        var tests = Deployed("prometheus", "alerts.test.yml");
        var alerts = AlertBlock().Matches(Alerts).Select(static match => (Name: match.Groups[1].Value, Body: match.Value)).ToArray();

        Assert.NotEmpty(alerts);
        Assert.All(alerts, static alert => Assert.Matches(@"severity: (warning|critical)[\s\S]+summary: [\s\S]+description: ", alert.Body));
        Assert.Equal([], alerts.Where(alert => !Regex.IsMatch(tests, $@"alertname: {alert.Name}\n\s+exp_alerts:")).Select(static alert => $"{alert.Name} has no test in which it fires"));
    }

    private static Dictionary<string, string[]> Known()
    {
        var known = new Dictionary<string, string[]>(Others);
        foreach (var metric in MetricsPage.Read())
        {
            foreach (var suffix in metric.Kind == "histogram" ? Histogram : [""])
                known.Add(metric.Name + suffix, [.. metric.Labels]);
        }

        return known;
    }

    private static IEnumerable<string> Expressions(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(static property =>
            property.NameEquals("expr") ? [property.Value.GetString()!] : Expressions(property.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Expressions),
        _ => [],
    };

    private static IEnumerable<string> Overlaps(JsonElement[] panels)
    {
        var taken = new Dictionary<(int, int), string>();
        foreach (var panel in panels)
        {
            var (title, place) = (panel.GetProperty("title").GetString()!, panel.GetProperty("gridPos"));
            int Of(string name) => place.GetProperty(name).GetInt32();
            for (var y = Of("y"); y < Of("y") + Of("h"); y++)
            {
                for (var x = Of("x"); x < Of("x") + Of("w"); x++)
                {
                    if (x >= 24 || !taken.TryAdd((x, y), title))
                        yield return $"{title} at {x},{y}";
                }
            }
        }
    }

    private static bool IsLanguage(string name) => name is "histogram_quantile" or "label_values";

    private static string Deployed(params string[] path) => File.ReadAllText(ResourcePath.Resolve(Path.Combine(["deploy", .. path])));

    [GeneratedRegex("""^ +expr: (?:>\n)?((?:.+)(?:\n {10}.+)*)""", RegexOptions.Multiline)]
    private static partial Regex Rule();

    [GeneratedRegex("""- alert: (\w+)\n(?: {8}.*\n?)+""")]
    private static partial Regex AlertBlock();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Text();

    [GeneratedRegex(@"\b[a-zA-Z]\w*_\w+\b|\bup\b|\bALERTS\b")]
    private static partial Regex Metric();

    [GeneratedRegex(@"\b((?:vlworker|process|rabbitmq|dotnet)_\w+|up(?=\{)|ALERTS)(?:\{([^}]*)\})?")]
    private static partial Regex Selector();

    [GeneratedRegex("(\\w+)=~?!?\"")]
    private static partial Regex Label();

    [GeneratedRegex(@"\b(?:by|on) \(([^)]+)\)")]
    private static partial Regex Grouping();
}
