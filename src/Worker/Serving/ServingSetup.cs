using VlWorker.Serving.Access;
using VlWorker.Serving.Embeddings;
using VlWorker.Serving.Predict;
using VlWorker.Serving.Status;

namespace VlWorker.Serving;

/// <summary>Composes the HTTP side. <see cref="Readiness"/>, the stages, the gate, metrics and time are the host's.</summary>
internal static class ServingSetup
{
    /// <summary>Adds what the endpoints are made of.</summary>
    public static IServiceCollection AddServing(this IServiceCollection services, ServingOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(new ApiKeys(options.Keys()));
        services.AddSingleton<Admission>();
        services.AddSingleton<Uploads>();
        services.AddSingleton<ServingMetrics>();
        services.AddSingleton<RequestRunner>();
        services.AddSingleton<PredictReader>();
        services.AddSingleton<PredictEndpoint>();
        services.AddSingleton<EmbeddingsReader>();
        services.AddSingleton<EmbeddingsEndpoint>();
        return services;
    }

    /// <summary>Adds the status page and what feeds it.</summary>
    /// <param name="services">The services.</param>
    /// <param name="settings">All settings, secrets hidden.</param>
    /// <param name="limits">The budgets that it shows.</param>
    public static IServiceCollection AddStatusPage(this IServiceCollection services, Func<IReadOnlyList<Setting>> settings, StatusLimits limits)
    {
        services.AddSingleton(_ => settings());
        services.AddSingleton(limits);
        services.AddSingleton<StatusBoard>();
        services.AddSingleton<StatusFeed>();
        services.AddHostedService<StatusSampler>();
        return services;
    }
}
