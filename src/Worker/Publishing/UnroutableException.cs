namespace VlWorker.Publishing;

/// <summary>The broker returned a mandatory message because no queue is bound for it.</summary>
internal sealed class UnroutableException(string exchange, string routingKey)
    : Exception(exchange.Length == 0 ? $"there is no queue '{routingKey}'" : $"no queue is bound to exchange '{exchange}' for '{routingKey}'")
{
    /// <summary>The exchange; empty for the default exchange.</summary>
    public string Exchange { get; } = exchange;

    /// <summary>The routing key.</summary>
    public string RoutingKey { get; } = routingKey;
}
