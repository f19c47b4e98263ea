using System.Globalization;
using System.Text;

namespace VlWorker.Contracts;

/// <summary>What can be said about a request without a store or a model. Every fault is named, not the first alone.</summary>
/// <remarks>Lists and maps come from JSON of any origin: they may hold nulls whatever their type says.</remarks>
internal static class RequestRules
{
    public static IReadOnlyList<string> Check(DescribeImage request)
    {
        var errors = new List<string>();
        Common(errors, request.Id, request.EmbeddingEncoding, request.JobId, request.Context);
        if (request.Image is null)
            errors.Add("image is missing");
        else
            Image(errors, "image", request.Image);
        if (request.MoreImages is not null)
            ImageList(errors, request.MoreImages);
        if (request.Tasks is not null)
            TaskList(errors, request.Tasks);
        if (request.Models is not null)
            ModelMap(errors, request.Models);
        if (request.Prompt is { Length: > RequestLimits.PromptLength })
            errors.Add("prompt is longer than 8,192 characters");
        if (Asks(request, Tasks.Answer) && string.IsNullOrWhiteSpace(request.Prompt))
            errors.Add("prompt is missing: task answer needs a question");
        LabelRules.Check(errors, request.Labels, request.LabelTemplate, Asks(request, Tasks.Classify));
        if (request.Generation is not null)
            GenerationRules.Check(errors, request.Generation);
        return errors;
    }

    public static IReadOnlyList<string> Check(DescribeText request)
    {
        var errors = new List<string>();
        Common(errors, request.Id, request.EmbeddingEncoding, request.JobId, request.Context);
        if (request.Text is null)
            errors.Add("text is missing");
        else if (request.Text.Length > RequestLimits.TextLength)
            errors.Add("text is longer than 65,536 characters");
        Name(errors, "model", request.Model, RequestLimits.NameBytes);
        return errors;
    }

    private static void Common(List<string> errors, string? id, string? encoding, string? jobId, IReadOnlyDictionary<string, string>? context)
    {
        if (string.IsNullOrEmpty(id))
            errors.Add("id is missing, and the AMQP message-id too");
        else
            Name(errors, "id", id, RequestLimits.IdBytes);
        if (encoding is not (null or EmbeddingEncodings.Float or EmbeddingEncodings.Base64))
            errors.Add("embeddingEncoding is neither float nor base64");
        if (jobId is not "")
            Name(errors, "jobId", jobId, RequestLimits.IdBytes);
        if (context is not null)
            Context(errors, context);
    }

    private static void Context(List<string> errors, IReadOnlyDictionary<string, string> context)
    {
        if (context.Count > RequestLimits.ContextEntries)
            errors.Add("context has more than 16 entries");
        if (context.Values.Any(value => value is null))
            errors.Add("context has a null value");
        if (context.Sum(pair => (long)pair.Key.Length + (pair.Value?.Length ?? 0)) > RequestLimits.ContextLength)
            errors.Add("context is longer than 4,096 characters");
    }

    private static bool Asks(DescribeImage request, string task) => (request.Tasks ?? Tasks.Default).Contains(task);

    private static void ImageList(List<string> errors, IReadOnlyList<ImageReference> images)
    {
        if (images.Count >= RequestLimits.Images)
        {
            errors.Add("moreImages has more than 15 entries");
            return;
        }

        if (images.Any(image => image is null))
        {
            errors.Add("moreImages has a null entry");
            return;
        }

        for (var i = 0; i < images.Count; i++)
            Image(errors, $"moreImages[{i}]", images[i]);
    }

    private static void Image(List<string> errors, string field, ImageReference image)
    {
        if (string.IsNullOrEmpty(image.Bucket))
            errors.Add($"{field}.bucket is missing");
        else
            Name(errors, $"{field}.bucket", image.Bucket, RequestLimits.NameBytes);
        if (string.IsNullOrEmpty(image.Key))
            errors.Add($"{field}.key is missing");
        else if (Encoding.UTF8.GetByteCount(image.Key) > RequestLimits.KeyBytes)
            errors.Add($"{field}.key is longer than 1,024 bytes");
        else if (image.Key.Contains('\0', StringComparison.Ordinal))
            errors.Add($"{field}.key holds a NUL character");
        Name(errors, $"{field}.versionId", image.VersionId, RequestLimits.NameBytes);
        Name(errors, $"{field}.etag", image.Etag, RequestLimits.NameBytes);
    }

    private static void TaskList(List<string> errors, IReadOnlyList<string> tasks)
    {
        if (tasks.Count == 0)
            errors.Add("tasks is empty: leave it out for the default");
        if (tasks.Count > RequestLimits.Tasks)
            errors.Add("tasks has more than 8 entries");
        if (tasks.Any(string.IsNullOrEmpty))
            errors.Add("tasks holds an entry without a name");
        if (tasks.Distinct(StringComparer.Ordinal).Count() != tasks.Count)
            errors.Add("tasks names a task twice");
    }

    private static void ModelMap(List<string> errors, IReadOnlyDictionary<string, string> models)
    {
        // A misspelt task would otherwise get the default model without a word.
        if (models.Keys.Any(task => !Tasks.All.Contains(task)))
            errors.Add($"models has an entry for something that is no task: the tasks are {string.Join(", ", Tasks.All)}");
        foreach (var task in Tasks.All)
        {
            if (models.TryGetValue(task, out var alias))
                Name(errors, $"models.{task}", alias ?? "", RequestLimits.NameBytes);
        }
    }

    private static void Name(List<string> errors, string field, string? value, int bytes)
    {
        if (value is null)
            return;
        if (value.Length == 0)
            errors.Add($"{field} is empty");
        else if (Encoding.UTF8.GetByteCount(value) > bytes)
            errors.Add(string.Create(CultureInfo.InvariantCulture, $"{field} is longer than {bytes} bytes"));
        else if (value.Any(char.IsControl))
            errors.Add($"{field} holds a control character");
    }
}
