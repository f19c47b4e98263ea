using System.CommandLine;
using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Producer.Requests;

namespace VlWorker.Producer.Cli;

/// <summary>Options of the commands that publish: ids, what is echoed, and how to wait.</summary>
internal sealed class PublishOptions
{
    private const string TraceVariable = "TRACEPARENT";

    private readonly Option<string?> _id = new("--id") { Description = "Id of a single request; default: a new GUID.", HelpName = "ID" };

    private readonly Option<string?> _idPrefix = new("--id-prefix")
    {
        Description = "Ids become PREFIX-1, PREFIX-2, ... by place in the input: the same list gives the same ids.",
        HelpName = "PREFIX",
    };

    private readonly Option<string?> _job = new("--job") { Description = "The job: part of the results' routing key.", HelpName = "JOB" };

    private readonly Option<string?> _deadline = new("--deadline")
    {
        Description = "When the answer becomes worthless: a time (2026-11-23T12:00:00Z) or a span from now (90s, 15m, 2h, 1d).",
        HelpName = "TIME",
    };

    private readonly Option<Dictionary<string, string>?> _context =
        CommonOptions.Map("--context", "NAME=VALUE", "Echoed in the answer; can be given several times.");

    private readonly Option<string?> _encoding =
        CommonOptions.Choice("--embedding", "How embeddings are written; default: float.", [.. EmbeddingEncodings.All]);

    private readonly Option<bool> _wait = new("--wait") { Description = "Waits for the answers at a private reply queue and prints them." };

    private readonly Option<int> _patience =
        CommonOptions.Number("--patience", "Gives up waiting after so many seconds without any answer.", 120, 86_400);

    private readonly Option<int> _window =
        CommonOptions.Number("--window", "Requests unconfirmed (with --wait: unanswered) at a time at most.", 512, 10_000);

    private readonly Option<string?> _trace = new("--traceparent")
    {
        Description = $"W3C trace context to carry on; default: ${TraceVariable}.",
        HelpName = "TRACE",
    };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_id, _idPrefix, _job, _deadline, _context, _encoding, _wait, _patience, _window, _trace])
            command.Add(option);
    }

    /// <summary>What the options say about the run.</summary>
    public PublishSettings Settings(ParseResult result, string lane, string? format, Terminal terminal) => new(
        lane,
        result.GetValue(_window),
        result.GetValue(_wait),
        TimeSpan.FromSeconds(result.GetValue(_patience)),
        format,
        result.GetValue(_trace) ?? terminal.Environment(TraceVariable));

    /// <summary>Ids for requests without one.</summary>
    public RequestIds Ids(ParseResult result, TimeProvider time) => new(result.GetValue(_idPrefix), time);

    /// <summary>Whether a single request's id is given.</summary>
    public bool HasId(ParseResult result) => result.GetValue(_id) is not null;

    /// <summary>The part of an image's request that these options say.</summary>
    /// <exception cref="ProducerException">The deadline can't be read.</exception>
    public DescribeImage ImageTemplate(ParseResult result, TimeProvider time) => new()
    {
        Id = result.GetValue(_id),
        JobId = result.GetValue(_job),
        Deadline = ParseDeadline(result.GetValue(_deadline), time),
        Context = result.GetValue(_context),
        EmbeddingEncoding = result.GetValue(_encoding),
    };

    /// <summary>The part of a text's request that these options say.</summary>
    /// <exception cref="ProducerException">The deadline can't be read.</exception>
    public DescribeText TextTemplate(ParseResult result, TimeProvider time) => new()
    {
        Id = result.GetValue(_id),
        JobId = result.GetValue(_job),
        Deadline = ParseDeadline(result.GetValue(_deadline), time),
        Context = result.GetValue(_context),
        EmbeddingEncoding = result.GetValue(_encoding),
    };

    /// <summary>A time, or a span from now.</summary>
    /// <exception cref="ProducerException">It is neither.</exception>
    internal static DateTimeOffset? ParseDeadline(string? text, TimeProvider time)
    {
        if (text is null)
            return null;
        var unit = text.Length > 1 ? text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => 0 } : 0;
        if (unit > 0 && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)
            && amount * unit <= TimeSpan.FromDays(3650).TotalSeconds)
            return time.GetUtcNow().AddSeconds(amount * unit);
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment) && text.Contains('-', StringComparison.Ordinal)
            ? moment
            : throw new ProducerException(ExitCode.Usage, $"--deadline '{text}' is neither a time like 2026-11-23T12:00:00Z nor a span like 15m");
    }
}
