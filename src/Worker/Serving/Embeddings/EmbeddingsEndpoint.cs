using System.Text.Json;
using Microsoft.AspNetCore.Http;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Describing;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Serving.Problems;

namespace VlWorker.Serving.Embeddings;

/// <summary>
/// POST /v1/embeddings: texts and images into one space, as OpenAI's clients ask for it. Every input is a row of its own in the batcher.
/// </summary>
internal sealed class EmbeddingsEndpoint(RequestRunner runner, EmbeddingsReader reader, Uploads uploads)
{
    /// <summary>The path.</summary>
    public const string Path = "/v1/embeddings";

    private const int Depth = 32;

    /// <summary>Answers a request.</summary>
    public Task<IResult> HandleAsync(HttpContext context) => runner.RunAsync(context, Path, scope => EmbedAsync(context, scope));

    private async Task<IResult> EmbedAsync(HttpContext context, RequestScope scope)
    {
        if (!context.Request.HasJsonContentType())
            throw new ProblemException(new Problem(ProblemTypes.UnsupportedMediaType, "send application/json"));

        // The images are in the body: it is held until the last of them is decoded.
        using var body = await uploads.ReadAsync(context.Request, scope.Cancellation);
        using var document = Parse(body.Content);
        var request = reader.Read(document.RootElement);
        scope.Enter(request.Inputs.Count - 1);
        var models = context.RequestServices.GetRequiredService<ModelRegistry>();

        // Texts and images of one request go to one model, or their vectors could not be compared.
        var model = request.Model ?? (models.DefaultForText ?? models.DefaultFor(Tasks.Embedding))?.Reference.Alias;
        var services = context.RequestServices;
        var embedded = await AllAsync(
            request.Inputs, (input, token) => EmbedAsync(services, input, model, scope.Deadline, token), scope.Cancellation);
        var dimensions = embedded[0].Values.Count;
        if (request.Dimensions is { } expected && expected != dimensions)
            throw new RejectedException(RejectionReason.BadRequest, $"dimensions is {expected}, and the model's vectors have {dimensions}");
        return Results.Json(Answer(request, embedded), ServingJson.Plain.EmbeddingsResponse);
    }

    private static async Task<Embedded> EmbedAsync(
        IServiceProvider services, EmbeddingInput input, string? model, DateTimeOffset deadline, CancellationToken cancellation)
    {
        if (input.Text is { } text)
        {
            var asked = new DescribeText { Id = "-", Text = text, Model = model, Deadline = deadline };
            RequestChecks.Validate(asked.Validate());
            var described = await services.GetRequiredService<TextDescriber>().DescribeAsync(asked, BatchPriority.Interactive, cancellation);
            return new Embedded(described.Model.Alias, described.Outcome.Values, described.Tokens.Ids.Length);
        }

        var image = new DescribeImage
        {
            Id = "-",
            Image = input.Image,
            Tasks = [Tasks.Embedding],
            Models = model is null ? null : new Dictionary<string, string> { [Tasks.Embedding] = model },
            Deadline = deadline,
        };
        if (input.Open is null)
            RequestChecks.Validate(image.Validate());
        var describer = services.GetRequiredService<ImageDescriber>();
        var description = input.Open is { } open
            ? await describer.DescribeAsync(image, BatchPriority.Interactive, open, cancellation)
            : await describer.DescribeAsync(image, BatchPriority.Interactive, cancellation);
        return new Embedded(description.Outputs[0].Model.Alias, description.Outputs[0].Embedding!.Values!, 0);
    }

    /// <summary>All inputs or none: the first to fail cancels the others, and all are over when this returns.</summary>
    private static async Task<Embedded[]> AllAsync(
        IReadOnlyList<EmbeddingInput> inputs, Func<EmbeddingInput, CancellationToken, Task<Embedded>> embed, CancellationToken cancellation)
    {
        using var siblings = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var work = inputs.Select(OneAsync).ToArray();
        try
        {
            return await Task.WhenAll(work);
        }
        catch
        {
            // Of several failures the one that caused the others counts.
            await (work.FirstOrDefault(one => one.IsFaulted) ?? work.First(one => one.IsCanceled));
            throw;
        }

        async Task<Embedded> OneAsync(EmbeddingInput input, int index)
        {
            try
            {
                return await embed(input, siblings.Token);
            }
            catch (RejectedException error) when (inputs.Count > 1)
            {
                await siblings.CancelAsync();
                throw new RejectedException(error.Reason, $"input[{index}]: {error.Message}", error);
            }
            catch
            {
                await siblings.CancelAsync();
                throw;
            }
        }
    }

    private static EmbeddingsResponse Answer(EmbeddingsRequest request, Embedded[] embedded)
    {
        var tokens = embedded.Sum(one => one.Tokens);
        return new EmbeddingsResponse
        {
            Model = embedded[0].Model,
            Data = [.. embedded.Select((one, index) => new EmbeddingItem
            {
                Index = index,
                Embedding = request.Encoding == EmbeddingEncodings.Base64 ? ResultBuilder.ToBase64(one.Values) : one.Values.ToArray(),
            })],
            Usage = new EmbeddingsUsage(tokens, tokens),
        };
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = Depth });
        }
        catch (JsonException error)
        {
            var place = $"line {(error.LineNumber ?? 0) + 1}, byte {(error.BytePositionInLine ?? 0) + 1}";
            throw new RejectedException(RejectionReason.BadRequest, $"not valid JSON at {place}", error);
        }
    }

    private sealed record Embedded(string Model, IReadOnlyList<float> Values, int Tokens);
}
