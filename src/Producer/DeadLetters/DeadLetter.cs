using System.Globalization;
using System.Text.Json;
using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;

namespace VlWorker.Producer.DeadLetters;

/// <summary>A message of the dead letters' queue, taken and not yet acknowledged.</summary>
internal sealed record DeadLetter
{
    /// <summary>The word for letters that the broker put away by itself because they were delivered too often, or without saying why.</summary>
    public const string DeliveryLimit = "delivery-limit";

    /// <summary>The word for letters that the broker put away because their expiration, or that of a policy, passed in the queue.</summary>
    public const string Expired = "expired";

    /// <summary>For the acknowledgement.</summary>
    public required ulong Tag { get; init; }

    /// <summary>The bytes as they were published.</summary>
    public required byte[] Body { get; init; }

    /// <summary>The AMQP properties.</summary>
    public required IReadOnlyBasicProperties Properties { get; init; }

    /// <summary>The request's id, or the message-id, or empty.</summary>
    public required string Id { get; init; }

    /// <summary>The request's job, or null.</summary>
    public required string? JobId { get; init; }

    /// <summary>The image that it asks for, or null.</summary>
    public required ImageReference? Image { get; init; }

    /// <summary>Why, as <see cref="ReasonOf"/> has it.</summary>
    public required string Reason { get; init; }

    /// <summary>The last error, for a person.</summary>
    public required string Error { get; init; }

    /// <summary>The queue that it came from, or null if nothing says so.</summary>
    public required string? Origin { get; init; }

    /// <summary>When it was put away, or null.</summary>
    public required DateTimeOffset? DiedAt { get; init; }

    /// <summary>Attempts made by workers, as far as a header says so. The broker counts how often the letter itself was looked at.</summary>
    public required long Attempts { get; init; }

    /// <summary>When it was published, or null.</summary>
    public DateTimeOffset? PublishedAt => Properties.IsTimestampPresent() ? HeaderReader.Time(Properties.Timestamp) : null;

    /// <summary>The routing key that leads back to <see cref="Origin"/>, or null.</summary>
    public string? RoutingKey => Topology.RequestQueues.FirstOrDefault(queue => queue.Name == Origin)?.RoutingKey;

    /// <summary>Reads a letter. A body that is no request still gives one.</summary>
    public static DeadLetter Read(BasicGetResult message)
    {
        var body = message.Body.ToArray();
        var properties = new BasicProperties(message.BasicProperties);
        var request = Request(body);
        var death = properties.Text(Topology.DeadReasonHeader) is null ? Death(properties) : null;
        return new DeadLetter
        {
            Tag = message.DeliveryTag,
            Body = body,
            Properties = properties,
            Id = request?.Id ?? properties.MessageId ?? "",
            JobId = request?.JobId,
            Image = request?.Image,
            Reason = ReasonOf(properties),
            Error = properties.Text(Topology.DeadErrorHeader) ?? (death is null ? "" : $"the broker put it away: {HeaderReader.Text(death, "reason")}"),
            Origin = properties.Text(Topology.OriginHeader) ?? HeaderReader.Text(death, "queue"),
            DiedAt = DateTimeOffset.TryParse(
                properties.Text(Topology.DeadTimeHeader) ?? HeaderReader.Text(death, "time"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var died) ? died : null,
            Attempts = properties.Number(Topology.AttemptHeader),
        };
    }

    /// <summary>Why: of <see cref="DeadLetterReason"/>, or the broker's own, such as <see cref="DeliveryLimit"/> and <see cref="Expired"/>.</summary>
    public static string ReasonOf(IReadOnlyBasicProperties properties) =>
        properties.Text(Topology.DeadReasonHeader) ?? HeaderReader.Text(Death(properties), "reason")?.Replace('_', '-') ?? DeliveryLimit;

    private static DescribeImage? Request(byte[] body)
    {
        try
        {
            return ContractsJson.Read<DescribeImage>(body);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static IDictionary<string, object?>? Death(IReadOnlyBasicProperties properties) =>
        properties.Headers is { } headers && headers.TryGetValue("x-death", out var value) && value is IEnumerable<object?> deaths
            ? deaths.FirstOrDefault() as IDictionary<string, object?>
            : null;
}

/// <summary>Which letters are meant; what is null does not matter.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="Job">The job.</param>
/// <param name="Id">The request's id or the message-id.</param>
internal sealed record DeadLetterFilter(string? Reason, string? Job, string? Id)
{
    /// <summary>Whether every letter is meant.</summary>
    public bool IsEverything => Reason is null && Job is null && Id is null;

    /// <summary>Whether a letter is meant.</summary>
    public bool Matches(DeadLetter letter) => (Reason is null || letter.Reason == Reason)
        && (Job is null || letter.JobId == Job)
        && (Id is null || letter.Id == Id || letter.Properties.MessageId == Id);
}
