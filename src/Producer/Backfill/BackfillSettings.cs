namespace VlWorker.Producer.Backfill;

/// <summary>How a job is run; it may be run otherwise the next time.</summary>
/// <param name="Rate">Requests a second at most, or null.</param>
/// <param name="MaxQueue">No request is published while the backfill queue holds so many.</param>
/// <param name="Window">Requests published whose confirms are not recorded, at most: what a killed process may publish twice.</param>
/// <param name="Wait">Whether to stay until everything is answered.</param>
/// <param name="Patience">How long to try to reach a broker or a store that went away.</param>
internal sealed record BackfillSettings(double? Rate, int MaxQueue, int Window, bool Wait, TimeSpan Patience);
