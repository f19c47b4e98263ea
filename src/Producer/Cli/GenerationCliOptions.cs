using System.CommandLine;
using VlWorker.Contracts;

namespace VlWorker.Producer.Cli;

/// <summary>Options that say how text is generated.</summary>
internal sealed class GenerationCliOptions
{
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

    private readonly Option<bool?> _doSample = new("--do-sample") { Description = "Draw tokens by their probability.", HelpName = "true|false" };

    private readonly Option<double?> _temperature = new("--temperature")
    {
        Description = "Divides the scores before drawing: below 1 the likely tokens become likelier.",
        HelpName = "X",
    };

    private readonly Option<int?> _topK = new("--top-k") { Description = "Draw among so many of the likeliest tokens.", HelpName = "N" };

    private readonly Option<double?> _topP = new("--top-p")
    {
        Description = "Draw among the likeliest tokens that together have this probability.",
        HelpName = "X",
    };

    private readonly Option<long?> _seed = new("--seed") { Description = "Makes drawing repeatable; default: 0.", HelpName = "N" };

    private readonly Option<string[]> _stop = new("--stop") { Description = "The text ends before this; can be given several times.", HelpName = "TEXT" };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])
                 [
                     _maxNewTokens, _minNewTokens, _numBeams, _lengthPenalty, _earlyStopping, _noRepeatNgramSize, _repetitionPenalty,
                     _numReturnSequences, _doSample, _temperature, _topK, _topP, _seed, _stop,
                 ])
            command.Add(option);
    }

    /// <summary>What they say; null where they say nothing.</summary>
    public GenerationOptions? Read(ParseResult result)
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
            DoSample = result.GetValue(_doSample),
            Temperature = result.GetValue(_temperature),
            TopK = result.GetValue(_topK),
            TopP = result.GetValue(_topP),
            Seed = result.GetValue(_seed),
            Stop = result.GetValue(_stop) is { Length: > 0 } stop ? stop : null,
            NumReturnSequences = result.GetValue(_numReturnSequences),
        };
        return options == new GenerationOptions() ? null : options;
    }
}
