using VlWorker.Producer.Broker;

namespace VlWorker.Producer.Results;

/// <summary>Keeps results in files. What was added is safe after the next flush, and only then acknowledged at the broker.</summary>
internal interface IResultStore : IDisposable
{
    /// <summary>Messages between two flushes at most.</summary>
    int Capacity { get; }

    /// <summary>Time between the first message and its flush at most: smaller is safer, larger gives larger files.</summary>
    TimeSpan Delay { get; }

    /// <summary>Adds a message.</summary>
    /// <exception cref="System.Text.Json.JsonException">It is no result; nothing was added.</exception>
    /// <exception cref="ProducerException">It can't be written.</exception>
    void Add(Arrival arrival);

    /// <summary>Makes everything that was added durable.</summary>
    /// <exception cref="ProducerException">It can't be written.</exception>
    Task FlushAsync();
}
