using System.CommandLine;
using VlWorker.Contracts;

namespace VlWorker.Producer.Cli;

/// <summary>Options that say what to do with an image.</summary>
internal sealed class ImageOptions
{
    private readonly Option<string[]> _tasks = new("--task", "-t")
    {
        Description = $"What to produce: {string.Join(", ", Tasks.All)}; can be given several times. Default: caption and embedding.",
        HelpName = "TASK",
    };

    private readonly Option<Dictionary<string, string>?> _models =
        CommonOptions.Map("--model", "TASK=ALIAS", "The model for a task; default: the worker's.");

    private readonly Option<string?> _prompt = new("--prompt")
    {
        Description = "The question of task answer; else a text that conditions the caption or says what to detect.",
        HelpName = "TEXT",
    };

    private readonly Option<string[]> _labels = new("--label", "-l")
    {
        Description = "What to tell apart, for task classify; can be given several times.",
        HelpName = "TEXT",
    };

    private readonly Option<string?> _labelTemplate = new("--label-template")
    {
        Description = "What stands around each label: \"a photo of a {}.\"",
        HelpName = "TEXT",
    };

    private readonly GenerationCliOptions _generation = new();

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_tasks, _models, _prompt, _labels, _labelTemplate])
            command.Add(option);
        _generation.AddTo(command);
    }

    /// <summary>Adds what the options say to a template.</summary>
    public DescribeImage Apply(ParseResult result, DescribeImage template) => template with
    {
        Tasks = result.GetValue(_tasks) is { Length: > 0 } tasks ? tasks : null,
        Models = result.GetValue(_models),
        Prompt = result.GetValue(_prompt),
        Labels = result.GetValue(_labels) is { Length: > 0 } labels ? labels : null,
        LabelTemplate = result.GetValue(_labelTemplate),
        Generation = _generation.Read(result),
    };
}
