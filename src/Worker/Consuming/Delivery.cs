using VlWorker.Contracts;
using VlWorker.Journal;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>One message as the transport delivered it.</summary>
/// <param name="Lane">The lane it came by.</param>
/// <param name="Body">The bytes as published.</param>
/// <param name="Properties">The AMQP properties.</param>
internal sealed record Delivery(Lane Lane, byte[] Body, MessageProperties Properties)
{
    /// <summary>Attempts that were made at it before this one.</summary>
    public int Attempts => (int)Math.Clamp(Properties.Number(Topology.AttemptHeader), 0, 1_000_000);

    /// <summary>How often the broker has delivered it before (quorum queues count).</summary>
    public long Redeliveries => Properties.Number("x-delivery-count");

    /// <summary>What made the body unreadable: a <see cref="MalformedException"/>, or a rejection where it is JSON of the wrong shape.</summary>
    public Exception? Unreadable { get; set; }

    /// <summary>Says in the crash journal when native code has it; null until work at it begins.</summary>
    public WorkMark? Mark { get; set; }
}

/// <summary>The body is no request at all, and says nobody whom to answer: it becomes a dead letter.</summary>
internal sealed class MalformedException(string detail, Exception? inner = null) : Exception(detail, inner);
