using VlWorker.Failures;

namespace VlWorker.Publishing;

/// <summary>The broker was there and did not take this message: refused it, kept silent, or closed the connection, over it or another message.</summary>
internal sealed class UnconfirmedException(string detail, Exception error, bool overConnection = false) : DependencyException(Dependency.Results, detail, error)
{
    /// <summary>Whether another connection may do better: this one was lost, or is silent.</summary>
    public bool OverConnection { get; } = overConnection;
}
