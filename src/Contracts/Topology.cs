namespace VlWorker.Contracts;

/// <summary>Names and arguments of everything on the broker. Arguments are final: a queue can't be redeclared with others.</summary>
/// <remarks>What one may want to tune later (lengths, consumer time-out) is set by policy, never here.</remarks>
public static class Topology
{
    /// <summary>Direct exchange that takes requests; routing keys <see cref="InteractiveRoutingKey"/>, <see cref="BackfillRoutingKey"/>, <see cref="TextRoutingKey"/>.</summary>
    public const string RequestsExchange = "vl.requests";

    /// <summary>Routing key of images that somebody waits for.</summary>
    public const string InteractiveRoutingKey = "interactive";

    /// <summary>Routing key of images that may wait.</summary>
    public const string BackfillRoutingKey = "backfill";

    /// <summary>Routing key of texts.</summary>
    public const string TextRoutingKey = "text";

    /// <summary>Queue of <see cref="InteractiveRoutingKey"/>.</summary>
    public const string InteractiveQueue = "vl.describe.interactive";

    /// <summary>Queue of <see cref="BackfillRoutingKey"/>.</summary>
    public const string BackfillQueue = "vl.describe.backfill";

    /// <summary>Queue of <see cref="TextRoutingKey"/>.</summary>
    public const string TextQueue = "vl.describe.text";

    /// <summary>Topic exchange of results; see <see cref="DescribedRoutingKey"/> and <see cref="RejectedRoutingKey"/>.</summary>
    public const string ResultsExchange = "vl.results";

    /// <summary>Durable queue bound to every result, so that none is lost before a consumer of one's own exists.</summary>
    public const string ResultsQueue = "vl.results";

    /// <summary>Fanout exchange of dead letters.</summary>
    public const string DeadExchange = "vl.dead";

    /// <summary>Queue of <see cref="DeadExchange"/>.</summary>
    public const string DeadLettersQueue = "vl.dead-letters";

    /// <summary>Fanout exchange of what every worker must know, <see cref="CancelJob"/>.</summary>
    public const string ControlExchange = "vl.control";

    /// <summary>Stream of <see cref="ControlExchange"/>: every worker reads it from its beginning, so one that starts later knows too.</summary>
    public const string ControlQueue = "vl.control";

    /// <summary>Header with the number of attempts already made; absent means none.</summary>
    public const string AttemptHeader = "x-vl-attempt";

    /// <summary>Header of a dead letter or a retry: a JSON array with number, time and error of each attempt, oldest first, of the last 20.</summary>
    public const string HistoryHeader = "x-vl-history";

    /// <summary>Header of a dead letter: a word that says why.</summary>
    public const string DeadReasonHeader = "x-vl-reason";

    /// <summary>Header of a dead letter: the last error, for a person.</summary>
    public const string DeadErrorHeader = "x-vl-error";

    /// <summary>Header of a dead letter: when it was put away, as text in ISO 8601, UTC.</summary>
    public const string DeadTimeHeader = "x-vl-dead-at";

    /// <summary>Header of a dead letter or a retry: the queue it was taken from.</summary>
    public const string OriginHeader = "x-vl-origin";

    /// <summary>The requests' queues with their routing keys.</summary>
    public static IReadOnlyList<RequestQueue> RequestQueues { get; } =
    [
        new(InteractiveQueue, InteractiveRoutingKey), new(BackfillQueue, BackfillRoutingKey), new(TextQueue, TextRoutingKey),
    ];

    /// <summary>The wait queues in the order they are used; each has a fanout exchange of its own name in front, so the routing key survives.</summary>
    public static IReadOnlyList<WaitQueue> WaitQueues { get; } =
    [
        new("vl.retry.5s", TimeSpan.FromSeconds(5)), new("vl.retry.1m", TimeSpan.FromMinutes(1)), new("vl.retry.10m", TimeSpan.FromMinutes(10)),
    ];

    /// <summary>Arguments of the requests' queues.</summary>
    public static IReadOnlyDictionary<string, object> RequestQueueArguments { get; } = new Dictionary<string, object>
    {
        ["x-queue-type"] = "quorum",
        ["x-delivery-limit"] = 50,
        ["x-dead-letter-exchange"] = DeadExchange,
        ["x-dead-letter-strategy"] = "at-least-once",
        ["x-overflow"] = "reject-publish",
    };

    /// <summary>Arguments of the results' and dead letters' queues.</summary>
    /// <remarks>
    /// Their readers are other people's programs, which may crash as often as they like: from 4.0 on the broker drops a message that came back
    /// 20 times unless a limit is given. This one is the highest there is on all versions; a policy can lower it.
    /// </remarks>
    public static IReadOnlyDictionary<string, object> StorageQueueArguments { get; } = new Dictionary<string, object>
    {
        ["x-queue-type"] = "quorum",
        ["x-delivery-limit"] = int.MaxValue,
        ["x-overflow"] = "reject-publish",
    };

    /// <summary>Arguments of <see cref="ControlQueue"/>. Segments are small because the broker forgets whole segments only.</summary>
    public static IReadOnlyDictionary<string, object> ControlQueueArguments { get; } = new Dictionary<string, object>
    {
        ["x-queue-type"] = "stream",
        ["x-max-age"] = "30D",
        ["x-stream-max-segment-size-bytes"] = 1_000_000L,
    };

    /// <summary>All exchanges.</summary>
    public static IReadOnlyList<DeclaredExchange> Exchanges { get; } =
    [
        new(RequestsExchange, "direct"), new(ResultsExchange, "topic"), new(DeadExchange, "fanout"), new(ControlExchange, "fanout"),
        .. WaitQueues.Select(wait => new DeclaredExchange(wait.Name, "fanout")),
    ];

    /// <summary>All queues, each with its one binding; the results' queue is the last, because a worker can be told not to declare it.</summary>
    public static IReadOnlyList<DeclaredQueue> Queues { get; } =
    [
        .. RequestQueues.Select(queue => new DeclaredQueue(queue.Name, RequestQueueArguments, RequestsExchange, queue.RoutingKey)),
        .. WaitQueues.Select(wait => new DeclaredQueue(wait.Name, WaitQueueArguments(wait), wait.Name, "")),
        new(DeadLettersQueue, StorageQueueArguments, DeadExchange, ""),
        new(ControlQueue, ControlQueueArguments, ControlExchange, ""),
        new(ResultsQueue, StorageQueueArguments, ResultsExchange, "#"),
    ];

    /// <summary>Arguments of a wait queue: what has waited goes back to <see cref="RequestsExchange"/> with its routing key.</summary>
    public static IReadOnlyDictionary<string, object> WaitQueueArguments(WaitQueue queue)
    {
        ArgumentNullException.ThrowIfNull(queue);
        return new Dictionary<string, object>
        {
            ["x-queue-type"] = "quorum",
            ["x-message-ttl"] = (long)queue.Delay.TotalMilliseconds,
            ["x-dead-letter-exchange"] = RequestsExchange,
            ["x-dead-letter-strategy"] = "at-least-once",
            ["x-overflow"] = "reject-publish",
        };
    }

    /// <summary>Routing key of a result: <c>described.&lt;lane&gt;.&lt;job&gt;</c>, the lane being the request's routing key.</summary>
    public static string DescribedRoutingKey(string lane, string? jobId) => $"described.{Word(lane)}.{Word(jobId)}";

    /// <summary>Routing key of a rejection: <c>rejected.&lt;lane&gt;.&lt;job&gt;</c>.</summary>
    public static string RejectedRoutingKey(string lane, string? jobId) => $"rejected.{Word(lane)}.{Word(jobId)}";

    /// <summary>A word of a routing key: every character outside [A-Za-z0-9_-] becomes <c>_</c>, nothing becomes <c>-</c>, at most 64 characters.</summary>
    /// <remarks>Different jobs may share a word: whoever binds to one job compares <c>jobId</c> too.</remarks>
    public static string Word(string? value)
    {
        if (string.IsNullOrEmpty(value))
            return "-";
        var length = Math.Min(value.Length, 64);
        return string.Create(length, value, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
                span[i] = char.IsAsciiLetterOrDigit(source[i]) || source[i] is '_' or '-' ? source[i] : '_';
        });
    }
}

/// <summary>A queue of requests and the routing key bound to it.</summary>
public sealed record RequestQueue(string Name, string RoutingKey);

/// <summary>A queue where a message waits before it goes back.</summary>
public sealed record WaitQueue(string Name, TimeSpan Delay);

/// <summary>A durable exchange.</summary>
public sealed record DeclaredExchange(string Name, string Type);

/// <summary>A durable queue with its arguments, and the exchange and routing key that it is bound to.</summary>
public sealed record DeclaredQueue(string Name, IReadOnlyDictionary<string, object> Arguments, string Exchange, string RoutingKey);
