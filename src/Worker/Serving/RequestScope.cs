using VlWorker.Serving.Problems;

namespace VlWorker.Serving;

/// <summary>What an HTTP request has while it is worked on: a time limit, and a place for each of its images and texts.</summary>
internal sealed class RequestScope(Admission admission, DateTimeOffset deadline, CancellationToken cancellation) : IDisposable
{
    private readonly List<IDisposable> _places = [];

    /// <summary>When the time is up.</summary>
    public DateTimeOffset Deadline { get; } = deadline;

    /// <summary>Cancelled when the time is up, the client has gone, or the worker stops.</summary>
    public CancellationToken Cancellation { get; } = cancellation;

    /// <summary>Takes places for further images and texts.</summary>
    /// <exception cref="ProblemException">There are not as many (overloaded).</exception>
    public void Enter(int items)
    {
        if (items == 0)
            return;
        _places.Add(admission.TryEnter(items) ?? throw new ProblemException(new Problem(
            ProblemTypes.Overloaded,
            $"{admission.Held} images and texts are in the worker's hands: no {items} more are taken",
            admission.RetryAfter)));
    }

    /// <inheritdoc/>
    public void Dispose() => _places.ForEach(place => place.Dispose());
}
