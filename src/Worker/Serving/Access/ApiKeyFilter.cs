using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using VlWorker.Serving.Problems;

namespace VlWorker.Serving.Access;

/// <summary>Lets requests without a key not reach an endpoint.</summary>
internal static class ApiKeyFilter
{
    /// <summary>Asks for a key before anything else is done, where the settings have one.</summary>
    /// <param name="endpoint">The endpoint, or a group of them.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="scheme">How the client is asked: Bearer, or Basic for browsers.</param>
    public static TBuilder RequireApiKey<TBuilder>(this TBuilder endpoint, ApiKeys keys, string scheme)
        where TBuilder : IEndpointConventionBuilder
    {
        if (!keys.AreRequired)
            return endpoint;
        return endpoint.AddEndpointFilter(async (context, next) =>
        {
            if (keys.Accept(context.HttpContext.Request))
                return await next(context);
            context.HttpContext.Response.Headers.WWWAuthenticate = $"{scheme} realm=\"vl-worker\"";
            return new ProblemResult(new Problem(
                ProblemTypes.Unauthorized, "this worker asks for an API key, and the request shows none that it knows"));
        });
    }
}
