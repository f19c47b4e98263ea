using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Prometheus;
using VlWorker.Inference;
using VlWorker.Serving.Access;
using VlWorker.Serving.Embeddings;
using VlWorker.Serving.Predict;
using VlWorker.Serving.Problems;
using VlWorker.Serving.Status;

namespace VlWorker.Serving;

/// <summary>Everything that the worker answers over HTTP.</summary>
internal static class Endpoints
{
    /// <summary>Maps health, metrics, and what the settings ask for besides.</summary>
    /// <param name="application">The application, with <see cref="ServingSetup.AddServing"/>.</param>
    /// <param name="registry">What /metrics serves.</param>
    public static void MapServing(this WebApplication application, CollectorRegistry registry)
    {
        var options = application.Services.GetRequiredService<ServingOptions>();
        application.UseStatusCodePages(context => NothingHere(context.HttpContext));
        application.MapOperations(registry);
        if (options.Rest)
            application.MapRest();
        if (options.StatusPage)
            application.MapStatus(application.Services.GetRequiredService<ApiKeys>());
    }

    /// <summary>Maps /health/live, /health/ready and /metrics. Probes and Prometheus show no keys.</summary>
    private static void MapOperations(this WebApplication application, CollectorRegistry registry)
    {
        var readiness = application.Services.GetRequiredService<Readiness>();
        application.MapGet("/health/live", () => Results.Text("live\n"));
        application.MapGet("/health/ready", () =>
        {
            var reasons = readiness.Reasons();
            return reasons.Count == 0
                ? Results.Text("ready\n" + OnDemand(readiness.Models()))
                : Results.Text(string.Join('\n', reasons) + "\n", statusCode: StatusCodes.Status503ServiceUnavailable);
        });
        application.MapMetrics("/metrics", registry);
    }

    /// <summary>A line for each model that comes and goes: that it is not loaded is no reason to send work elsewhere.</summary>
    private static string OnDemand(ModelRegistry? models) => string.Concat(
        models?.All.Select(model => (model.Reference.Alias, State: models.ResidencyOf(model.Reference.Alias))).Where(static model => model.State is not null)
            .Select(static model => $"model {model.Alias}, on demand: {model.State!.Value.ToString().ToLowerInvariant()}\n") ?? []);

    private static void MapRest(this WebApplication application)
    {
        var keys = application.Services.GetRequiredService<ApiKeys>();
        var options = application.Services.GetRequiredService<ServingOptions>();
        if (!keys.AreRequired && !Listeners.OnlyLoopback(options))
            Log.OpenToAll(application.Logger, options.Urls);
        _ = application.Services.GetRequiredService<ServingMetrics>(); // counts from zero, before the first request
        application.MapPost(PredictEndpoint.Path, (HttpContext context, PredictEndpoint endpoint) => endpoint.HandleAsync(context))
            .RequireApiKey(keys, "Bearer");
        application.MapPost(EmbeddingsEndpoint.Path, (HttpContext context, EmbeddingsEndpoint endpoint) => endpoint.HandleAsync(context))
            .RequireApiKey(keys, "Bearer");
        application.MapGet(OpenApiDocument.Path, () => Results.Bytes(OpenApiDocument.Json, "application/json"));
    }

    /// <summary>Errors of routing have no body of their own.</summary>
    private static Task NothingHere(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => AnswerAsync(context, ProblemTypes.NoSuchPath, $"there is nothing at {context.Request.Path}"),
        StatusCodes.Status405MethodNotAllowed =>
            AnswerAsync(context, ProblemTypes.MethodNotAllowed, $"{context.Request.Path} does not take {context.Request.Method}"),
        _ => Task.CompletedTask,
    };

    private static Task AnswerAsync(HttpContext context, string reason, string detail) =>
        new ProblemResult(new Problem(reason, detail)).ExecuteAsync(context);
}
