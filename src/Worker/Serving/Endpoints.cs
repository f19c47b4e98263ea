using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Prometheus;

namespace VlWorker.Serving;

/// <summary>Health and metrics.</summary>
internal static class Endpoints
{
    /// <summary>Maps /health/live, /health/ready and /metrics.</summary>
    /// <param name="application">The application.</param>
    /// <param name="registry">What /metrics serves.</param>
    /// <param name="notReady">Why the worker takes no work now, one line a reason; empty when it does.</param>
    public static void MapOperations(this WebApplication application, CollectorRegistry registry, Func<IReadOnlyList<string>> notReady)
    {
        application.MapGet("/health/live", () => Results.Text("live\n"));
        application.MapGet("/health/ready", () =>
        {
            var reasons = notReady();
            return reasons.Count == 0
                ? Results.Text("ready\n")
                : Results.Text(string.Join('\n', reasons) + "\n", statusCode: StatusCodes.Status503ServiceUnavailable);
        });
        application.MapMetrics("/metrics", registry);
    }
}
