namespace VlWorker.Diagnostics;

/// <summary>One thing that <c>vl-worker doctor</c> looks at.</summary>
internal interface IDiagnosticCheck
{
    /// <summary>What it looks at, for the case that looking itself fails.</summary>
    string Name { get; }

    /// <summary>Looks. What is wrong is a finding, not an exception.</summary>
    Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation);
}
