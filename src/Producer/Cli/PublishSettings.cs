namespace VlWorker.Producer.Cli;

/// <summary>How a run of publishing goes, whatever it publishes.</summary>
/// <param name="Lane">Routing key of the requests.</param>
/// <param name="Window">Requests unconfirmed, or with <paramref name="Wait"/> unanswered, at a time at most.</param>
/// <param name="Wait">Whether to wait for the answers and show them.</param>
/// <param name="Patience">The longest silence while answers are missing.</param>
/// <param name="Format">Form of the answers, or null for the default.</param>
/// <param name="TraceParent">W3C trace context, or null.</param>
internal sealed record PublishSettings(string Lane, int Window, bool Wait, TimeSpan Patience, string? Format, string? TraceParent);
