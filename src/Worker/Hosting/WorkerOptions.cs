using Microsoft.Extensions.Configuration;
using VlWorker.Batching;
using VlWorker.Batching.Steering;
using VlWorker.Consuming;
using VlWorker.Decoding;
using VlWorker.Fetching;
using VlWorker.Inference;
using VlWorker.Journal;
using VlWorker.Publishing;
using VlWorker.Serving;
using VlWorker.Telemetry;

namespace VlWorker.Hosting;

/// <summary>All settings of a worker, read and checked.</summary>
internal sealed record WorkerOptions
{
    /// <summary>The sections in the order of the reference.</summary>
    public static IReadOnlyList<(string Section, Type Type)> Sections { get; } =
    [
        (BrokerOptions.Section, typeof(BrokerOptions)),
        (ConsumingOptions.Section, typeof(ConsumingOptions)),
        (PublishingOptions.Section, typeof(PublishingOptions)),
        (StoreOptions.Section, typeof(StoreOptions)),
        (FetchingOptions.Section, typeof(FetchingOptions)),
        (DecodingOptions.Section, typeof(DecodingOptions)),
        (BatchingOptions.Section, typeof(BatchingOptions)),
        (SteeringOptions.Section, typeof(SteeringOptions)),
        (InferenceOptions.Section, typeof(InferenceOptions)),
        (JournalOptions.Section, typeof(JournalOptions)),
        (ServingOptions.Section, typeof(ServingOptions)),
        (TelemetryOptions.Section, typeof(TelemetryOptions)),
        (HostingOptions.Section, typeof(HostingOptions)),
    ];

    public BrokerOptions Broker { get; init; } = new();

    public ConsumingOptions Consuming { get; init; } = new();

    public PublishingOptions Publishing { get; init; } = new();

    public StoreOptions Store { get; init; } = new();

    public FetchingOptions Fetching { get; init; } = new();

    public DecodingOptions Decoding { get; init; } = new();

    public BatchingOptions Batching { get; init; } = new();

    public SteeringOptions Steering { get; init; } = new();

    public InferenceOptions Inference { get; init; } = new();

    public JournalOptions Journal { get; init; } = new();

    public ServingOptions Serving { get; init; } = new();

    public TelemetryOptions Telemetry { get; init; } = new();

    public HostingOptions Hosting { get; init; } = new();

    /// <summary>How the crash journal is kept; null where none is: only a broker that delivers again can bring back what killed a process.</summary>
    public JournalOptions? KeptJournal() => Journal.Deaths > 0 && Broker.Transport == BrokerTransport.RabbitMq ? Journal : null;

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="StartupException">Something is wrong; it says all of it.</exception>
    public static WorkerOptions Read(IConfiguration configuration)
    {
        var reader = new OptionsReader(configuration);
        var options = ReadSections(reader);
        reader.RejectUnknownKeys(Sections);
        reader.Add(OptionChecks.Run(options));
        return reader.Errors.Count == 0 ? options : throw new StartupException(reader.Errors);
    }

    /// <summary>Reads every section as far as it can be read; what is wrong is among the reader's errors, and has its default.</summary>
    internal static WorkerOptions ReadSections(OptionsReader reader) => new()
    {
        Broker = reader.Read<BrokerOptions>(BrokerOptions.Section),
        Consuming = reader.Read<ConsumingOptions>(ConsumingOptions.Section),
        Publishing = reader.Read<PublishingOptions>(PublishingOptions.Section),
        Store = reader.Read<StoreOptions>(StoreOptions.Section),
        Fetching = reader.Read<FetchingOptions>(FetchingOptions.Section),
        Decoding = reader.Read<DecodingOptions>(DecodingOptions.Section),
        Batching = reader.Read<BatchingOptions>(BatchingOptions.Section),
        Steering = reader.Read<SteeringOptions>(SteeringOptions.Section),
        Inference = reader.Read<InferenceOptions>(InferenceOptions.Section),
        Journal = reader.Read<JournalOptions>(JournalOptions.Section),
        Serving = reader.Read<ServingOptions>(ServingOptions.Section),
        Telemetry = reader.Read<TelemetryOptions>(TelemetryOptions.Section),
        Hosting = reader.Read<HostingOptions>(HostingOptions.Section),
    };
}
