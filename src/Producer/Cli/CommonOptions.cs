using System.CommandLine;
using System.CommandLine.Parsing;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Cli;

/// <summary>Options of every command.</summary>
internal sealed class CommonOptions
{
    private readonly BrokerOption _broker = new();

    /// <summary>Form of the answers.</summary>
    public Option<string?> Format { get; } = Choice("--format", "Form of the answers; default: table in a terminal, jsonl elsewhere.", AnswerWriters.Table, AnswerWriters.JsonLines);

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        _broker.AddTo(command);
        command.Add(Format);
    }

    /// <summary>The broker's address.</summary>
    public BrokerAddress Address(ParseResult result, Terminal terminal) => _broker.Address(result, terminal);

    /// <summary>An option with a closed list of values.</summary>
    public static Option<string?> Choice(string name, string description, params string[] values)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = string.Join('|', values) };
        option.AcceptOnlyFromAmong(values);
        return option;
    }

    /// <summary>An option that takes any number of <c>name=value</c>.</summary>
    public static Option<Dictionary<string, string>?> Map(string name, string helpName, string description) => new(name)
    {
        Description = description,
        HelpName = helpName,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        CustomParser = ParseMap,
    };

    /// <summary>An option that takes a positive number.</summary>
    public static Option<int> Number(string name, string description, int value, int high) => new(name)
    {
        Description = description,
        HelpName = "N",
        DefaultValueFactory = _ => value,
        CustomParser = argument =>
        {
            if (int.TryParse(argument.Tokens[0].Value, System.Globalization.CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= high)
                return number;
            argument.AddError($"{name} takes a number from 1 to {high}");
            return value;
        },
    };

    private static Dictionary<string, string>? ParseMap(ArgumentResult argument)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var token in argument.Tokens)
        {
            var equals = token.Value.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                argument.AddError($"'{token.Value}' is not of the form name=value");
            else if (!map.TryAdd(token.Value[..equals], token.Value[(equals + 1)..]))
                argument.AddError($"'{token.Value[..equals]}' is given twice");
        }

        return map;
    }
}
