using VlWorker.Contracts;
using VlWorker.Fetching;

namespace VlWorker.Serving.Predict;

/// <summary>A request to /predict, read.</summary>
/// <param name="Request">What is asked for; its image is null where the bytes came with the request.</param>
/// <param name="Open">Gives the bytes that came with the request; null where the store has them.</param>
/// <param name="Held">Bytes that are held already and belong to this input; null where there are none.</param>
internal sealed record PredictInput(
    DescribeImage Request, Func<CancellationToken, Task<FetchedObject>>? Open = null, FetchedObject? Held = null) : IDisposable
{
    /// <summary>Whether the answer is sent while it is generated.</summary>
    public bool Streams { get; init; }

    /// <inheritdoc/>
    public void Dispose() => Held?.Dispose();
}
