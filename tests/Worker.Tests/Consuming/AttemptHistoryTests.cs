using System.Text.Json.Nodes;
using VlWorker.Consuming;

namespace VlWorker.Worker.Tests.Consuming;

public sealed class AttemptHistoryTests
{
    [Fact]
    public void Attempts_are_listed_oldest_first()
    {
        var one = AttemptHistory.Add(null, 1, "2026-11-23T12:00:00Z", "503 from „näher“");

        var two = AttemptHistory.Add(one, 2, "2026-11-23T12:00:05Z", "500");

        Assert.Equal("""[{"attempt":1,"at":"2026-11-23T12:00:00Z","error":"503 from „näher“"},{"attempt":2,"at":"2026-11-23T12:00:05Z","error":"500"}]""", two);
    }

    [Fact]
    public void It_is_bounded_whatever_happens()
    {
        string? history = null;
        for (var attempt = 1; attempt <= 100; attempt++)
            history = AttemptHistory.Add(history, attempt, "2026-11-23T12:00:00Z", new string('x', 10_000));

        var entries = JsonNode.Parse(history!)!.AsArray();
        Assert.Equal((AttemptHistory.Most, 81, 100), (entries.Count, entries[0]!["attempt"]!.GetValue<int>(), entries[^1]!["attempt"]!.GetValue<int>()));
        Assert.All(entries, entry => Assert.Equal(AttemptHistory.LongestError, entry!["error"]!.GetValue<string>().Length));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[")]
    [InlineData("null")]
    public void What_somebody_else_wrote_there_is_dropped(string before) =>
        Assert.Single(JsonNode.Parse(AttemptHistory.Add(before, 1, "2026-11-23T12:00:00Z", "503"))!.AsArray());
}
