using System.Runtime.ExceptionServices;
using MassTransit;

namespace VlWorker.Consuming;

/// <summary>The last resort behind <see cref="MessageSettler"/>, which settles every message itself: a failure that gets here returns the message.</summary>
internal sealed class GiveBackFilter(TimeProvider time) : IFilter<ExceptionReceiveContext>, IFilter<ReceiveContext>
{
    /// <summary>Keeps a defect from going round in a hot loop.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public async Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
    {
        await Task.Delay(Pause, time, context.CancellationToken);
        ExceptionDispatchInfo.Throw(context.Exception);
    }

    /// <inheritdoc/>
    public async Task Send(ReceiveContext context, IPipe<ReceiveContext> next)
    {
        await Task.Delay(Pause, time, context.CancellationToken);
        throw new InvalidOperationException("no consumer took the message");
    }

    /// <inheritdoc/>
    public void Probe(ProbeContext context) => context.CreateFilterScope("giveBack");
}

/// <summary>Gives a message back to its queue, unharmed: MassTransit answers with nack and requeue.</summary>
internal sealed class GivenBackException(Exception cause) : OperationCanceledException(cause.Message, cause);
