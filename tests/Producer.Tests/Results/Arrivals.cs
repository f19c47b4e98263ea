using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;

namespace VlWorker.Producer.Tests.Results;

/// <summary>Messages as they come from the broker.</summary>
internal static class Arrivals
{
    /// <summary>The hash of everything.</summary>
    public static readonly string Hash = new('a', 64);

    /// <summary>A result for an image.</summary>
    public static Arrival Result(string id, Embedding? embedding = null, bool redelivered = false, string key = "k.jpg") => Arrive(
        new ImageDescribed
        {
            Id = id,
            Image = new DescribedImage { Bucket = "photos", Key = key, Sha256 = Hash, Bytes = 1, Width = 1, Height = 1, Format = "png" },
            Outputs =
            [
                new Output { Task = Tasks.Caption, Model = new ModelReference { Alias = "c", Revision = Hash }, ResultId = Hash, ContentId = Hash, Caption = new Caption { Text = "a red kite", Score = -0.5, Tokens = 4 } },
                new Output { Task = Tasks.Embedding, Model = new ModelReference { Alias = "e", Revision = Hash }, ResultId = Hash, ContentId = Hash, Embedding = embedding ?? new Embedding { Dimensions = 1, Values = [1] } },
            ],
            Timings = new Timings { Fetch = 1, Decode = 1, BatchWait = 1, Inference = 1, BatchSize = 1 },
            ProducedAt = new DateTimeOffset(2026, 11, 26, 12, 0, 0, 250, TimeSpan.Zero),
        },
        redelivered);

    /// <summary>Any message.</summary>
    public static Arrival Arrive<T>(T message, bool redelivered = false)
        where T : class => new(1, ContractsJson.Write(message), Topology.ResultsExchange, new BasicProperties(), redelivered);
}
