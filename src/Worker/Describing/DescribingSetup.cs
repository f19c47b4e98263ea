using VlWorker.Journal;

namespace VlWorker.Describing;

/// <summary>Composes the way of one request through the stages. Store, decoder, batcher, models, metrics and time are the host's.</summary>
internal static class DescribingSetup
{
    /// <summary>Adds what messages and HTTP requests share.</summary>
    /// <param name="services">The services.</param>
    /// <param name="captionsKept">See <see cref="RecentImages"/>.</param>
    /// <param name="journal">How crashes are looked into; by default not at all.</param>
    public static IServiceCollection AddDescribing(this IServiceCollection services, int captionsKept = 0, JournalOptions? journal = null)
    {
        services.AddJournal(journal ?? new JournalOptions { Deaths = 0 });
        services.AddSingleton<RequestPlanner>();
        services.AddSingleton<RowSubmitter>();
        services.AddSingleton(provider => new RecentImages(captionsKept, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<LabelClassifier>();
        services.AddSingleton<ImagePreparer>();
        services.AddSingleton<ImageDescriber>();
        services.AddSingleton<TextDescriber>();
        return services;
    }
}
