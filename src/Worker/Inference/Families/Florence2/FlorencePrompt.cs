using System.Text.RegularExpressions;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Inference.Families.Florence2;

/// <summary>What the model is asked.</summary>
/// <param name="Task">One of its tasks; null for a question in free words.</param>
/// <param name="Input">The task's input, or the question; empty where the task takes none.</param>
internal sealed partial record FlorencePrompt(FlorenceTask? Task, string Input)
{
    /// <summary>How what the model writes is read.</summary>
    public FlorenceAnswer Answer => Task?.Answer ?? FlorenceAnswer.Text;

    /// <summary>What a request comes down to: its prompt may begin with the token of one of the model's tasks.</summary>
    /// <param name="task">The request's task, of <see cref="Tasks"/>.</param>
    /// <param name="prompt">The request's prompt; null where it has none.</param>
    /// <exception cref="RejectedException">bad-request: the question is missing, there is no such task, or its input is not what it takes.</exception>
    public static FlorencePrompt Of(string task, string? prompt)
    {
        var text = prompt?.Trim() ?? string.Empty;
        if (text.Length == 0)
            return Default(task);
        if (Token().Match(text) is not { Success: true, Value: var token })
            return task == Tasks.Detect ? new FlorencePrompt(FlorenceTask.DetectionOfWords, text) : new FlorencePrompt(null, prompt!);
        var asked = FlorenceTask.Find(token)
            ?? throw Rejected($"there is no task {token}: there are {string.Join(", ", FlorenceTask.All.Select(known => known.Token))}");
        if (asked.GivesText == (task == Tasks.Detect))
            throw Rejected(asked.GivesText
                ? $"{token} gives a text: ask for the task {Tasks.Caption} or {Tasks.Answer}"
                : $"{token} gives regions: ask for the task {Tasks.Detect}");
        return new FlorencePrompt(asked, Checked(asked, text[token.Length..].Trim()));
    }

    private static FlorencePrompt Default(string task) => task switch
    {
        Tasks.Caption => new FlorencePrompt(FlorenceTask.Caption, string.Empty),
        Tasks.Detect => new FlorencePrompt(FlorenceTask.Detection, string.Empty),
        _ => throw Rejected("the question is empty: it is the request's prompt"),
    };

    private static string Checked(FlorenceTask task, string input) => task.Input switch
    {
        FlorenceInput.None when input.Length > 0 => throw Rejected($"{task.Token} takes nothing behind it"),
        FlorenceInput.Words when input.Length == 0 => throw Rejected($"{task.Token} wants words behind it"),
        FlorenceInput.Region when !Region().IsMatch(input) =>
            throw Rejected($"{task.Token} wants a box behind it: <loc_X1><loc_Y1><loc_X2><loc_Y2>, in thousandths of the image's width and height, 0 to 999"),
        _ => input,
    };

    private static RejectedException Rejected(string detail) => new(RejectionReason.BadRequest, detail);

    // What looks like a task's token, so that a misspelt one is not taken for a question.
    [GeneratedRegex("^<[A-Z0-9_]+>")]
    private static partial Regex Token();

    [GeneratedRegex("^(<loc_(0|[1-9][0-9]{0,2})>){4}$", RegexOptions.ExplicitCapture)]
    private static partial Regex Region();
}
