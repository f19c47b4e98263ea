using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;

namespace VlWorker.Describing;

/// <summary>What one task of a request comes down to.</summary>
/// <param name="Task">The task.</param>
/// <param name="Model">The model that does it.</param>
/// <param name="Generation">Effective parameters, for models that generate.</param>
internal sealed record TaskPlan(string Task, IModel Model, GenerationParameters? Generation)
{
    /// <summary>The prompt or the question; null where there is none.</summary>
    public string? Prompt { get; init; }

    /// <summary>What to tell apart, for classifications.</summary>
    public LabelSet? Labels { get; init; }

    /// <summary>The canonical parameters that are part of the result's ids; empty for an embedding.</summary>
    /// <param name="more">Hashes of the images behind the first, in order.</param>
    public string Parameters(IReadOnlyList<string> more) => Generation?.Canonical(Prompt, more) ?? Labels?.Canonical(Model.Similarity!) ?? ResultIds.Parameters(Prompt, []);
}

/// <summary>Finds the models for a request's tasks.</summary>
internal sealed class RequestPlanner(ModelRegistry models)
{
    private static readonly string[] Prompted = [Tasks.Caption, Tasks.Answer, Tasks.Detect];

    /// <summary>One plan a task, in the request's order.</summary>
    /// <exception cref="RejectedException">Unknown model, a task that does not exist or that the model can't do, prompt not taken, bad parameters.</exception>
    public IReadOnlyList<TaskPlan> Plan(DescribeImage request)
    {
        var tasks = request.Tasks ?? Tasks.Default;
        if (request.Prompt is not null && !tasks.Any(Prompted.Contains))
            throw new RejectedException(RejectionReason.PromptNotSupported, $"a prompt is for {string.Join(", ", Prompted)}, and none of them is asked for");
        return [.. tasks.Select(task => Plan(request, task))];
    }

    /// <summary>The model that embeds a request's text.</summary>
    /// <exception cref="RejectedException">Unknown model, or one that embeds no texts.</exception>
    public IModel Plan(DescribeText request)
    {
        var model = request.Model is { } alias
            ? Find(alias)
            : models.DefaultForText ?? throw new RejectedException(RejectionReason.UnsupportedTask, "this worker has no model that embeds texts");
        return model.EmbedsText
            ? model
            : throw new RejectedException(RejectionReason.UnsupportedTask, $"model '{model.Reference.Alias}' embeds no texts");
    }

    private TaskPlan Plan(DescribeImage request, string task)
    {
        if (!Tasks.All.Contains(task))
            throw new RejectedException(RejectionReason.UnsupportedTask, $"there is no task '{task}': the tasks are {string.Join(", ", Tasks.All)}");
        var model = request.Models?.GetValueOrDefault(task) is { } alias
            ? Find(alias)
            : models.DefaultFor(task) ?? throw new RejectedException(RejectionReason.UnsupportedTask, $"this worker has no model for task '{task}'");
        if (!model.Tasks.Contains(task))
            throw new RejectedException(RejectionReason.UnsupportedTask, $"model '{model.Reference.Alias}' can't do task '{task}'");
        var images = 1 + (request.MoreImages?.Count ?? 0);
        if (images > model.MaxImages)
        {
            var most = model.MaxImages == 1 ? "one image" : $"{model.MaxImages} images at most";
            throw new RejectedException(RejectionReason.BadRequest, $"model '{model.Reference.Alias}' looks at {most}, and the request has {images}");
        }

        var prompt = PromptOf(request, task);
        if (prompt is not null && !model.TakesPrompt)
            throw new RejectedException(RejectionReason.PromptNotSupported, $"model '{model.Reference.Alias}' takes no prompt");
        if (task == Tasks.Classify)
            return new TaskPlan(task, model, null) { Labels = new LabelSet(request.Labels!, request.LabelTemplate) };
        model.CheckPrompt(task, prompt);
        return new TaskPlan(task, model, Prompted.Contains(task) ? model.Resolve(request.Generation) : null) { Prompt = prompt ?? model.DefaultPrompt(task) };
    }

    // A question is no text to begin a caption with.
    private static string? PromptOf(DescribeImage request, string task) =>
        Prompted.Contains(task) && (task == Tasks.Answer || request.Tasks?.Contains(Tasks.Answer) is not true) ? request.Prompt : null;

    private IModel Find(string alias) => models.Find(alias)
        ?? throw new RejectedException(RejectionReason.UnknownModel, $"there is no model '{alias}': there are {string.Join(", ", models.All.Select(model => model.Reference.Alias))}");
}
