using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace VlWorker.Contracts.Tests;

/// <summary>docs/messages.md is true: its lists are complete, and its examples are what the code reads.</summary>
public sealed partial class MessagesPageTests
{
    private static readonly string Page = Repository.Read("docs/messages.md");

    [Fact]
    public void Reasons_are_listed_completely_and_in_order()
    {
        Assert.Equal(RejectionReason.All, Rows(Section("## Rejections")));
        Assert.Equal(
            [
                Topology.DeadReasonHeader, Topology.DeadErrorHeader, Topology.DeadTimeHeader, Topology.AttemptHeader, Topology.HistoryHeader,
                Topology.OriginHeader,
                Topology.DeadReasonHeader, .. DeadLetterReason.All,
            ],
            Rows(Section("## Dead letters")));
    }

    [Fact]
    public void Headers_exchanges_queues_and_keys_are_named_as_in_the_code()
    {
        string[] names =
        [
            Topology.RequestsExchange, Topology.ResultsExchange, Topology.ResultsQueue, Topology.DeadExchange, Topology.DeadLettersQueue,
            Topology.AttemptHeader, Topology.DeadReasonHeader, Topology.DeadErrorHeader, Topology.DeadTimeHeader, Topology.OriginHeader,
            Topology.ControlExchange, Topology.HistoryHeader,
            .. Topology.RequestQueues.SelectMany(queue => new[] { queue.Name, queue.RoutingKey }), .. Topology.WaitQueues.Select(queue => queue.Name),
        ];

        Assert.All(names, name => Assert.Contains($"`{name}`", Page, StringComparison.Ordinal));
        var mentioned = Mention().Matches(Page).Select(match => match.Value.Trim('`')).Distinct();
        Assert.All(mentioned, name => Assert.Contains(name, names));
    }

    [Fact]
    public void Every_field_of_a_request_is_explained()
    {
        var explained = Rows(Section("## Describe an image"));

        Assert.Equal(typeof(DescribeImage).GetProperties().Select(p => JsonNamingPolicy.CamelCase.ConvertName(p.Name)), explained);
    }

    [Fact]
    public void Examples_are_valid_messages()
    {
        var examples = Example().Matches(Page).Select(match => match.Groups[1].Value).ToList();

        Assert.Equal(10, examples.Count);
        Assert.All(examples.Take(4), json => Assert.Empty(ContractsJson.Read<DescribeImage>(Encoding.UTF8.GetBytes(json)).Validate()));
        Assert.Empty(ContractsJson.Read<DescribeText>(Encoding.UTF8.GetBytes(examples[4])).Validate());
        Assert.Equal(3, JsonSerializer.Deserialize<JsonElement[]>(examples[6])!.Length);
        var answers = new[] { 5, 7, 8 }.Select(i => examples[i]).Select(json => Answer.Read(Encoding.UTF8.GetBytes(json))).ToList();
        Assert.True(answers[0].Image is not null && answers[1].Text is not null && answers[2].Rejection is not null);
        Assert.Equal("autumn.2026", ContractsJson.Read<CancelJob>(Encoding.UTF8.GetBytes(examples[9])).JobId);
        Assert.All(examples, NothingIsIgnored);
    }

    [Fact]
    public void Files_it_links_to_exist()
    {
        var links = Link().Matches(Page).Select(match => match.Groups[1].Value).ToList();

        Assert.NotEmpty(links);
        Assert.All(links, link => Assert.True(File.Exists(Path.Combine(Repository.Root, "docs", link)), link));
    }

    /// <summary>A misspelt field in an example would be ignored as an unknown one.</summary>
    private static void NothingIsIgnored(string json)
    {
        using var document = JsonDocument.Parse(json);
        var known = Samples.All.Where(sample => !sample.Key.Contains(".least", StringComparison.Ordinal))
            .SelectMany(sample => Names(JsonDocument.Parse(Repository.Read($"tests/Contracts.Tests/Golden/{sample.Key}.json")).RootElement))
            .Append("values").ToHashSet();

        Assert.Empty(Names(document.RootElement).Except(known));
    }

    private static IEnumerable<string> Names(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p => Names(p.Value).Prepend(p.Name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Names),
        _ => [],
    };

    private static string Section(string heading)
    {
        var start = Page.IndexOf(heading + "\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"no section {heading}");
        var end = Page.IndexOf("\n## ", start + heading.Length, StringComparison.Ordinal);
        return end < 0 ? Page[start..] : Page[start..end];
    }

    private static IEnumerable<string> Rows(string text) => Row().Matches(text).Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"^\| `([^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"`(?:x-)?vl[.-][a-z0-9.-]+`")]
    private static partial Regex Mention();

    [GeneratedRegex(@"```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();

    [GeneratedRegex(@"\]\(([^)#]+)\)")]
    private static partial Regex Link();
}
