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
            Image(errors, request.Image);
        if (request.Tasks is not null)
            TaskList(errors, request.Tasks);
        if (request.Models is not null)
            ModelMap(errors, request.Models);
        if (request.Prompt is { Length: > RequestLimits.PromptLength })
            errors.Add("prompt is longer than 8,192 characters");
        if (request.Generation is not null)
            Generation(errors, request.Generation);
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

    private static void Image(List<string> errors, ImageReference image)
    {
        if (string.IsNullOrEmpty(image.Bucket))
            errors.Add("image.bucket is missing");
        else
            Name(errors, "image.bucket", image.Bucket, RequestLimits.NameBytes);
        if (string.IsNullOrEmpty(image.Key))
            errors.Add("image.key is missing");
        else if (Encoding.UTF8.GetByteCount(image.Key) > RequestLimits.KeyBytes)
            errors.Add("image.key is longer than 1,024 bytes");
        else if (image.Key.Contains('\0', StringComparison.Ordinal))
            errors.Add("image.key holds a NUL character");
        Name(errors, "image.versionId", image.VersionId, RequestLimits.NameBytes);
        Name(errors, "image.etag", image.Etag, RequestLimits.NameBytes);
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

    private static void Generation(List<string> errors, GenerationOptions options)
    {
        Range(errors, "maxNewTokens", options.MaxNewTokens, 1, 1024);
        Range(errors, "minNewTokens", options.MinNewTokens, 0, 1024);
        Range(errors, "numBeams", options.NumBeams, 1, 16);
        Range(errors, "lengthPenalty", options.LengthPenalty, -10, 10);
        Range(errors, "noRepeatNgramSize", options.NoRepeatNgramSize, 0, 16);
        Range(errors, "repetitionPenalty", options.RepetitionPenalty, 0.001, 10);
        Range(errors, "numReturnSequences", options.NumReturnSequences, 1, 16);

        // Where one of the two is absent the model's default takes its place, which the worker knows and checks.
        if (options.NumReturnSequences > options.NumBeams)
            errors.Add("generation.numReturnSequences is above numBeams");
        if (options.MinNewTokens > options.MaxNewTokens)
            errors.Add("generation.minNewTokens is above maxNewTokens");
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

    private static void Range(List<string> errors, string name, double? value, double low, double high)
    {
        if (value is { } number && !(number >= low && number <= high))
            errors.Add(string.Create(CultureInfo.InvariantCulture, $"generation.{name} is outside {low} to {high}"));
    }
}
