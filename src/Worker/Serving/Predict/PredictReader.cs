using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.Serving.Problems;

namespace VlWorker.Serving.Predict;

/// <summary>Reads what /predict takes: an image's bytes, a form with an image, or JSON that names an object of the store.</summary>
internal sealed class PredictReader(Uploads uploads)
{
    private const int LongestBoundary = 128;

    private static readonly string[] Parameters = ["id", "tasks", "embeddingEncoding", "prompt", "label", "labelTemplate", "stream"];

    /// <summary>Reads a request. The caller disposes of the input.</summary>
    /// <exception cref="RejectedException">It is malformed.</exception>
    /// <exception cref="ProblemException">Its content type is none that is taken.</exception>
    public async Task<PredictInput> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        var query = OfQuery(request.Query);
        var streams = One(request.Query, "stream") switch
        {
            null => AnswerStream.IsWanted(request),
            "true" => true,
            "false" => false,
            _ => throw Bad("the parameter 'stream' is true or false"),
        };
        return await ReadAsync(request, query, cancellation) with { Streams = streams };
    }

    private async Task<PredictInput> ReadAsync(HttpRequest request, DescribeImage query, CancellationToken cancellation)
    {
        if (string.IsNullOrEmpty(request.ContentType))
            return OfBytes(request, query);
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type))
            throw Unsupported(request.ContentType);
        if (type.Type.Equals("image", StringComparison.OrdinalIgnoreCase) || Is(type, "application/octet-stream"))
            return OfBytes(request, query);
        if (Is(type, "multipart/form-data"))
            return await OfFormAsync(request, type, query, cancellation);
        return Is(type, "application/json") ? await OfJsonAsync(request, query, cancellation) : throw Unsupported(request.ContentType);
    }

    private PredictInput OfBytes(HttpRequest request, DescribeImage query) => new(query, token => uploads.ReadAsync(request, token));

    private async Task<PredictInput> OfJsonAsync(HttpRequest request, DescribeImage query, CancellationToken cancellation)
    {
        if (request.ContentLength > RequestLimits.MessageBytes)
            throw new RejectedException(RejectionReason.BadRequest, "the JSON is larger than 1 MiB");
        using var body = await uploads.ReadAsync(request, cancellation);
        var message = Parse(body.Content.Span);

        // Both ways to name an object: a message's, and bucket and key without anything around them.
        var image = message.Image ?? Read(body.Content.Span, ContractsJson.Default.ImageReference);
        return new PredictInput(Merged(message, query) with { Image = image });
    }

    private async Task<PredictInput> OfFormAsync(HttpRequest request, MediaTypeHeaderValue type, DescribeImage query, CancellationToken cancellation)
    {
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        if (string.IsNullOrEmpty(boundary) || boundary.Length > LongestBoundary)
            throw new RejectedException(RejectionReason.BadRequest, "the form has no boundary, or one that is too long");
        var form = new MultipartReader(boundary, request.Body);
        FetchedObject? image = null;
        DescribeImage? asked = null;
        try
        {
            while (await form.ReadNextSectionAsync(cancellation) is { } part)
            {
                switch (NameOf(part))
                {
                    case "image" when image is null:
                        image = await uploads.ReadPartAsync(part.Body, request.ContentLength, cancellation);
                        break;
                    case "request" when asked is null:
                        using (var body = await uploads.ReadPartAsync(part.Body, RequestLimits.MessageBytes, cancellation))
                            asked = Parse(body.Content.Span);
                        break;
                    case var name:
                        throw Bad($"the form's parts are one 'image' and at most one 'request', not '{Shorten(name)}'");
                }
            }

            if (image is null)
                throw new RejectedException(RejectionReason.BadRequest, "the form has no part 'image'");
            if (asked?.Image is not null)
                throw new RejectedException(RejectionReason.BadRequest, "the form has the image, and its part 'request' names another");
            return new PredictInput(asked is null ? query : Merged(asked, query), _ => Task.FromResult(image), image);
        }
        catch (Exception error)
        {
            image?.Dispose();
            if (error is IOException and not BadHttpRequestException)
                throw new RejectedException(RejectionReason.BadRequest, "the form ends before its last boundary", error);
            throw;
        }
    }

    // The query stands in for what the JSON does not say.
    private static DescribeImage Merged(DescribeImage message, DescribeImage query) => message with
    {
        Id = message.Id ?? query.Id,
        Tasks = message.Tasks ?? query.Tasks,
        Prompt = message.Prompt ?? query.Prompt,
        Labels = message.Labels ?? query.Labels,
        LabelTemplate = message.LabelTemplate ?? query.LabelTemplate,
        EmbeddingEncoding = message.EmbeddingEncoding ?? query.EmbeddingEncoding,
    };

    private static DescribeImage OfQuery(IQueryCollection query)
    {
        if (query.Keys.FirstOrDefault(key => !Parameters.Contains(key, StringComparer.Ordinal)) is { } unknown)
            throw Bad($"there is no parameter '{Shorten(unknown)}': there are {string.Join(", ", Parameters)}");
        return new DescribeImage
        {
            Id = One(query, "id"),
            Tasks = One(query, "tasks")?.Split(',', StringSplitOptions.TrimEntries),
            EmbeddingEncoding = One(query, "embeddingEncoding"),
            Prompt = One(query, "prompt"),
            Labels = query["label"] is { Count: > 0 } labels ? [.. labels.Select(label => label ?? "")] : null,
            LabelTemplate = One(query, "labelTemplate"),
        };
    }

    private static string? One(IQueryCollection query, string name) => query[name] is { Count: > 0 } values
        ? values.Count == 1 ? values[0] : throw new RejectedException(RejectionReason.BadRequest, $"the parameter '{name}' is given more than once")
        : null;

    private static DescribeImage Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return ContractsJson.Read<DescribeImage>(json);
        }
        catch (JsonException error)
        {
            throw new RejectedException(RejectionReason.BadRequest, error.Message, error);
        }
    }

    private static T Read<T>(ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(json, type)!;
        }
        catch (JsonException error)
        {
            throw new RejectedException(RejectionReason.BadRequest, "bucket, key, versionId and etag are texts", error);
        }
    }

    private static string NameOf(MultipartSection part) =>
        ContentDispositionHeaderValue.TryParse(part.ContentDisposition, out var found) ? HeaderUtilities.RemoveQuotes(found.Name).Value ?? "" : "";

    private static bool Is(MediaTypeHeaderValue type, string name) => type.MediaType.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static string Shorten(string text) => text.Length > 40 ? text[..40] : text;

    private static RejectedException Bad(string detail) => new(RejectionReason.BadRequest, detail);

    private static ProblemException Unsupported(string type) => new(new Problem(
        ProblemTypes.UnsupportedMediaType,
        $"'{Shorten(type)}' is not taken: send image/*, application/octet-stream, multipart/form-data or application/json"));
}
