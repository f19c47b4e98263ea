using System.CommandLine;
using VlWorker.Producer.Backfill;

namespace VlWorker.Producer.Cli;

/// <summary>Options of a run that publishes nothing.</summary>
internal sealed class DryRunOptions
{
    private readonly Option<bool> _dry = new("--dry-run") { Description = "Lists and counts, publishes nothing, and estimates time and cost." };

    private readonly Option<string?> _measuredBy = new("--measured-by")
    {
        Description = "Estimates by the throughput of this earlier job file (a run with --limit 500 will do).",
        HelpName = "FILE",
    };

    private readonly Option<double?> _throughput = new("--throughput") { Description = "Estimates by so many images a second.", HelpName = "N" };
    private readonly Option<double?> _price = new("--price-per-hour") { Description = "What all workers together cost an hour.", HelpName = "X" };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_dry, _measuredBy, _throughput, _price])
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (!result.GetValue(_dry) && (result.GetValue(_measuredBy) is not null || result.GetValue(_throughput) is not null || result.GetValue(_price) is not null))
                result.AddError("--measured-by, --throughput and --price-per-hour go with --dry-run");
            if (result.GetValue(_throughput) is <= 0 || result.GetValue(_price) is < 0)
                result.AddError("--throughput and --price-per-hour take numbers above 0");
        });
    }

    /// <summary>Whether nothing is to be published.</summary>
    public bool IsDry(ParseResult result) => result.GetValue(_dry);

    /// <summary>What to estimate by.</summary>
    public DryRunSettings Settings(ParseResult result) => new(result.GetValue(_measuredBy), result.GetValue(_throughput), result.GetValue(_price));
}
