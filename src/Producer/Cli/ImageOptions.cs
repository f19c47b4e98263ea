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

    private readonly Option<string?> _prompt = new("--prompt") { Description = "Text that conditions the caption.", HelpName = "TEXT" };

    private readonly Option<int?> _maxNewTokens = new("--max-new-tokens") { Description = "Tokens to generate at most.", HelpName = "N" };

    private readonly Option<int?> _minNewTokens = new("--min-new-tokens") { Description = "Tokens to generate at least.", HelpName = "N" };

    private readonly Option<int?> _numBeams = new("--num-beams") { Description = "Beams; 1 is greedy search.", HelpName = "N" };

    private readonly Option<double?> _lengthPenalty = new("--length-penalty")
    {
        Description = "Exponent of the length in a beam's score.",
        HelpName = "X",
    };

    private readonly Option<bool?> _earlyStopping = new("--early-stopping")
    {
        Description = "Stop with as many finished texts as beams.",
        HelpName = "true|false",
    };

    private readonly Option<int?> _noRepeatNgramSize = new("--no-repeat-ngram-size")
    {
        Description = "Token n-grams of this size occur once only.",
        HelpName = "N",
    };

    private readonly Option<double?> _repetitionPenalty = new("--repetition-penalty")
    {
        Description = "Factor against tokens already generated.",
        HelpName = "X",
    };

    private readonly Option<int?> _numReturnSequences = new("--num-return-sequences") { Description = "Captions to return.", HelpName = "N" };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])
                 [
                     _tasks, _models, _prompt, _maxNewTokens, _minNewTokens, _numBeams, _lengthPenalty, _earlyStopping, _noRepeatNgramSize,
                     _repetitionPenalty, _numReturnSequences,
                 ])
            command.Add(option);
    }

    /// <summary>Adds what the options say to a template.</summary>
    public DescribeImage Apply(ParseResult result, DescribeImage template) => template with
    {
        Tasks = result.GetValue(_tasks) is { Length: > 0 } tasks ? tasks : null,
        Models = result.GetValue(_models),
        Prompt = result.GetValue(_prompt),
        Generation = Generation(result),
    };

    private GenerationOptions? Generation(ParseResult result)
    {
        var options = new GenerationOptions
        {
            MaxNewTokens = result.GetValue(_maxNewTokens),
            MinNewTokens = result.GetValue(_minNewTokens),
            NumBeams = result.GetValue(_numBeams),
            LengthPenalty = result.GetValue(_lengthPenalty),
            EarlyStopping = result.GetValue(_earlyStopping),
            NoRepeatNgramSize = result.GetValue(_noRepeatNgramSize),
            RepetitionPenalty = result.GetValue(_repetitionPenalty),
            NumReturnSequences = result.GetValue(_numReturnSequences),
        };
        return options == new GenerationOptions() ? null : options;
    }
}
