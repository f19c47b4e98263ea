using Microsoft.AspNetCore.Http;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Describing;
using VlWorker.Inference;

namespace VlWorker.Serving.Predict;

/// <summary>POST /predict: one image, through the same stages, limits and batches as messages of the interactive lane.</summary>
internal sealed class PredictEndpoint(RequestRunner runner, PredictReader reader, TimeProvider time)
{
    /// <summary>The path.</summary>
    public const string Path = "/predict";

    /// <summary>Stands for an image that came with the request where the rules of messages ask for one.</summary>
    private static readonly ImageReference Attached = new() { Bucket = "-", Key = "-" };

    /// <summary>Answers a request.</summary>
    public Task<IResult> HandleAsync(HttpContext context) => runner.RunAsync(context, Path, scope => PredictAsync(context, scope));

    private async Task<IResult> PredictAsync(HttpContext context, RequestScope scope)
    {
        using var input = await reader.ReadAsync(context.Request, scope.Cancellation);
        var asked = input.Request;
        var request = asked with
        {
            Id = asked.Id ?? Guid.NewGuid().ToString("N"),
            Deadline = asked.Deadline < scope.Deadline ? asked.Deadline : scope.Deadline,
        };
        RequestChecks.Validate((input.Open is null ? request : request with { Image = Attached }).Validate());

        // Not before the worker is ready: until then there are no models to make it of.
        var describer = context.RequestServices.GetRequiredService<ImageDescriber>();
        if (!input.Streams)
            return Results.Json(Answer(request, await DescribeAsync(null)), ServingJson.Plain.Prediction);
        await AnswerStream.SendAsync(context, request, DescribeAsync, description => Answer(request, description), scope.Cancellation);
        return Results.Empty;

        Task<Description> DescribeAsync(TextStream? stream) => input.Open is { } open
            ? describer.DescribeAsync(request, BatchPriority.Interactive, open, scope.Cancellation, stream: stream)
            : describer.DescribeAsync(request, BatchPriority.Interactive, scope.Cancellation, stream: stream);
    }

    private Prediction Answer(DescribeImage request, Description description) => new()
    {
        Id = request.Id!,
        Image = new PredictedImage
        {
            Bucket = request.Image?.Bucket,
            Key = request.Image?.Key,
            VersionId = description.Image.VersionId,
            Etag = description.Image.Etag,
            Sha256 = description.Image.Sha256,
            Bytes = description.Image.Bytes,
            Width = description.Image.Width,
            Height = description.Image.Height,
            Format = description.Image.Format,
        },
        Outputs = description.Outputs,
        Timings = description.Timings,
        Context = request.Context,
        ProducedAt = time.GetUtcNow().UtcDateTime,
    };
}
