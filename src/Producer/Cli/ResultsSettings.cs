using VlWorker.Producer.Results;

namespace VlWorker.Producer.Cli;

/// <summary>Which results to show, and how.</summary>
/// <param name="Queue">A queue that exists; null for a temporary one.</param>
/// <param name="Job">Only this job's, or null for all.</param>
/// <param name="Count">End after so many, or null.</param>
/// <param name="Follow">Whether to go on when there is nothing more.</param>
/// <param name="Peek">Whether to leave them where they are.</param>
/// <param name="Format">Form of the output, or null for the default.</param>
/// <param name="Subscription">A durable queue of one's own to make and take from, or null.</param>
/// <param name="Bindings">Binding keys of the subscription.</param>
/// <param name="Store">Opens the files that results are kept in; null where they are shown.</param>
internal sealed record ResultsSettings(
    string? Queue,
    string? Job,
    int? Count,
    bool Follow,
    bool Peek,
    string? Format,
    string? Subscription,
    IReadOnlyList<string> Bindings,
    Func<Task<IResultStore>>? Store);
