using VlWorker.Producer.Cli;

namespace VlWorker.Producer.Tests.Cli;

/// <summary>What the command line refuses by itself, before a broker is looked for.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("publish takes either --key, once or several times, or --list", "publish", "-b", "b")]
    [InlineData("publish takes either --key, once or several times, or --list", "publish", "-k", "k", "--list", "-")]
    [InlineData("--version-id and --etag are for one --key alone", "publish", "-k", "a", "-k", "b", "--etag", "x")]
    [InlineData("--id is for one --key alone", "publish", "-b", "b", "-k", "a", "-k", "c", "--id", "1")]
    [InlineData("--skip takes a number of lines", "publish", "--list", "-", "--skip", "-1")]
    [InlineData("'x' is not of the form name=value", "publish", "-k", "k", "--context", "x")]
    [InlineData("'a' is given twice", "publish", "-k", "k", "--context", "a=1", "--context", "a=2")]
    [InlineData("--window takes a number from 1 to 10000", "publish", "-k", "k", "--window", "0")]
    [InlineData("--patience takes a number from 1 to 86400", "publish", "-k", "k", "--patience", "soon")]
    [InlineData("hex", "publish", "-k", "k", "--embedding", "hex")]
    [InlineData("fast", "publish", "-k", "k", "--lane", "fast")]
    [InlineData("--deadline 'soon' is neither a time", "publish", "-k", "k", "--deadline", "soon")]
    [InlineData("must look like amqp://", "publish", "-k", "k", "--uri", "nonsense")]
    [InlineData("--id is for one text alone", "text", "a", "b", "--id", "1")]
    [InlineData("--queue takes from a queue that exists", "results", "--queue", "q", "--job", "j")]
    [InlineData("--peek looks at what is in a queue", "results", "--peek", "--follow")]
    [InlineData("--peek looks at what is in a queue", "results", "--peek", "--live")]
    [InlineData("--peek looks at what is in a queue", "results", "--peek", "--unreadable", "u")]
    [InlineData("--peek looks at what is in a queue", "results", "--peek", "--to-jsonl", "f")]
    [InlineData("--peek looks at what is in a queue", "results", "--peek", "--to-folder", "f")]
    [InlineData("--peek looks at what is in a queue", "results", "--no-ack", "--to-parquet", "f")]
    [InlineData("--count takes a number from 1", "results", "--count", "0")]
    [InlineData("--subscribe makes a queue of its own", "results", "--subscribe", "q", "--live")]
    [InlineData("--binding goes with --subscribe", "results", "--binding", "#")]
    [InlineData("exclude each other", "results", "--to-jsonl", "a", "--to-parquet", "b")]
    [InlineData("say which: --all, or some", "dead-letters", "replay")]
    [InlineData("say which: --all, or some", "dead-letters", "purge", "--all", "--job", "j")]
    [InlineData("--rate takes a number above 0", "dead-letters", "replay", "--all", "--rate", "0")]
    [InlineData("--policy needs the management API", "topology", "apply", "--policy", "vl.results:max-length=1")]
    [InlineData("is none of the queues", "topology", "apply", "--policy", "other:max-length=1", "--management", "http://localhost:1")]
    [InlineData("is not of the form queue:setting=value", "topology", "check", "--policy", "vl.results", "--management", "http://localhost:1")]
    [InlineData("which job?", "backfill")]
    [InlineData("a job needs a name", "backfill", "--bucket", "b", "--dry-run")]
    [InlineData("say which images", "backfill", "--job", "j", "--dry-run")]
    [InlineData("--folder needs --bucket", "backfill", "--job", "j", "--folder", "f", "--dry-run")]
    [InlineData("exclude each other", "backfill", "--job", "j", "--folder", "f", "--manifest", "m", "--dry-run")]
    [InlineData("--prefix goes with a bucket", "backfill", "--job", "j", "--bucket", "b", "--manifest", "m", "--prefix", "p", "--dry-run")]
    [InlineData("--resume goes on with a pass", "backfill", "--file", "f", "--resume", "--only-changed")]
    [InlineData("--resume takes the source from the job file", "backfill", "--file", "f", "--resume", "--bucket", "b")]
    [InlineData("--resume takes the source from the job file", "backfill", "--file", "f", "--resume", "--limit", "5")]
    [InlineData("go with a source", "backfill", "--file", "f", "--only-changed", "--limit", "5")]
    [InlineData("go with a source", "backfill", "--file", "f", "--only-changed", "--include", "*.jpg")]
    [InlineData("go with a source", "backfill", "--file", "f", "--only-changed", "--prefix", "2026/")]
    [InlineData("go with a source", "backfill", "--file", "f", "--only-changed", "--manifest-format", "csv")]
    [InlineData("go with --dry-run", "backfill", "--job", "j", "--bucket", "b", "--throughput", "5")]
    [InlineData("'sing' is no task", "backfill", "--job", "j", "--bucket", "b", "--task", "sing", "--dry-run")]
    public async Task Wrong_usage_is_explained(string expected, params string[] args)
    {
        using var terminal = new TestTerminal();

        Assert.Equal(ExitCode.Usage, await terminal.RunAsync(args));
        Assert.Contains(expected, terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_without_a_scheme_is_explained()
    {
        using var terminal = new TestTerminal();

        Assert.Equal(ExitCode.Source, await terminal.RunAsync("backfill", "--job", "j", "--bucket", "b", "--dry-run", "--store-endpoint", "127.0.0.1:9000"));
        Assert.Contains("the store can't be used", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_lists_every_exit_code()
    {
        using var terminal = new TestTerminal();

        Assert.Equal(ExitCode.Success, await terminal.RunAsync("--help"));
        var codes = typeof(ExitCode).GetFields(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Static).Select(f => $"{f.GetRawConstantValue()} ");
        Assert.All(codes, code => Assert.Contains(code, terminal.Output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_broker_comes_from_the_environment_and_its_password_stays_secret()
    {
        using var terminal = new TestTerminal();
        terminal.Set("VLWORKER_BROKER_URI", "amqp://me:s3cret@127.0.0.1:1/team");

        Assert.Equal(ExitCode.Broker, await terminal.RunAsync("publish", "-b", "b", "-k", "k"));
        Assert.Contains("can't connect to amqp://me@127.0.0.1:1/team: ", terminal.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", terminal.Error + terminal.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("90s", "2026-11-23T12:01:30Z")]
    [InlineData("15m", "2026-11-23T12:15:00Z")]
    [InlineData("1.5h", "2026-11-23T13:30:00Z")]
    [InlineData("1d", "2026-11-24T12:00:00Z")]
    [InlineData("2026-12-01T08:00:00Z", "2026-12-01T08:00:00Z")]
    [InlineData("2026-12-01T08:00:00+02:00", "2026-12-01T06:00:00Z")]
    [InlineData("2026-12-01", "2026-12-01T00:00:00Z")]
    public void A_deadline_is_a_time_or_a_span(string text, string expected)
    {
        using var terminal = new TestTerminal();

        Assert.Equal(DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), PublishOptions.ParseDeadline(text, terminal.Time));
    }

    [Theory]
    [InlineData("s")]
    [InlineData("-5m")]
    [InlineData("1e9d")]
    [InlineData("99999999d")]
    [InlineData("12")]
    [InlineData("")]
    public void Other_deadlines_are_refused(string text)
    {
        using var terminal = new TestTerminal();

        Assert.Equal(ExitCode.Usage, Assert.Throws<ProducerException>(() => PublishOptions.ParseDeadline(text, terminal.Time)).ExitCode);
    }
}
