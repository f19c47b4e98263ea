using MassTransit;
using VlWorker.Contracts;
using VlWorker.Publishing;

namespace VlWorker.Consuming;

/// <summary>Composes consuming and publishing. Options, store, decoder, batcher, models, metrics and time are the host's.</summary>
internal static class ConsumingSetup
{
    /// <summary>Adds everything from the transport to <see cref="ConsumingService"/>, which the host adds as a hosted service in its own order.</summary>
    public static IServiceCollection AddConsuming(this IServiceCollection services, BrokerOptions broker)
    {
        if (broker.Transport == BrokerTransport.InMemory)
        {
            services.AddSingleton<InMemoryTransport>();
            services.AddSingleton<ITransport>(provider => provider.GetRequiredService<InMemoryTransport>());
        }
        else
        {
            services.AddSingleton<RabbitMqPublisher>();
            services.AddSingleton<ControlReader>();
            services.AddSingleton<ITransport, RabbitMqTransport>();
        }

        services.AddSingleton(provider => provider.GetRequiredService<ITransport>().Publisher);
        services.AddSingleton<ResultPublisher>();
        services.AddSingleton<ConsumptionGate>();
        services.AddSingleton<CancelledJobs>();
        services.AddSingleton<ResultSender>();
        services.AddSingleton<RetrySchedule>();
        services.AddSingleton<SuspectCheck>();
        services.AddSingleton<MessageSettler>();
        services.AddSingleton<IConsumer<DescribeImage>, DescribeImageConsumer>();
        services.AddSingleton<IConsumer<DescribeText>, DescribeTextConsumer>();
        services.AddSingleton<ReceiveLanes>();
        services.AddSingleton<ConsumingService>();
        return services;
    }
}
