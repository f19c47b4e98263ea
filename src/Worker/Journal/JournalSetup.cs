namespace VlWorker.Journal;

/// <summary>Composes the crash journal. Time and logs are the host's.</summary>
internal static class JournalSetup
{
    /// <summary>Adds what messages and HTTP requests share. Nothing is written before the journal is opened.</summary>
    public static IServiceCollection AddJournal(this IServiceCollection services, JournalOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<CrashJournal>();
        return services;
    }
}
