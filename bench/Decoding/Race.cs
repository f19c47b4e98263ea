using System.Globalization;
using System.Text;
using Spectre.Console;

namespace VlWorker.Bench.Decoding;

/// <summary>One that takes part: does so many rounds over the images and says how many images that were, in how many seconds.</summary>
internal sealed record Racer(string Name, Func<int, (int Images, double Seconds)> Run);

/// <summary>Lets racers take turns within one run, so that whatever else the machine does meets all of them alike.</summary>
internal sealed class Race(string title)
{
    private const double TurnSeconds = 0.5;

    private readonly List<(Racer Racer, List<double> Rates)> _results = [];

    /// <summary>Runs all in turns, the first being ours.</summary>
    public void Run(IReadOnlyList<Racer> racers, int turns)
    {
        var rounds = racers.Select(racer =>
        {
            // The first turn warms up, the second tells how many rounds fill a turn.
            racer.Run(2);
            var (_, seconds) = racer.Run(1);
            return Math.Max(1, (int)(TurnSeconds / seconds));
        }).ToList();
        _results.AddRange(racers.Select(racer => (racer, new List<double>())));
        for (var turn = 0; turn < turns; turn++)
        {
            for (var i = 0; i < racers.Count; i++)
            {
                var (images, seconds) = racers[i].Run(rounds[i]);
                _results[i].Rates.Add(images / seconds);
            }
        }
    }

    /// <summary>Prints the table and keeps it in a report.</summary>
    public void Report(Report report)
    {
        var ours = Statistics.Median(_results[0].Rates);
        var table = new Table().Title(title).AddColumns("", "images/s, median", "least", "most", "ours is");
        var markdown = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"\n## {title}\n\n| | images/s, median | least | most | ours is |\n|---|---|---|---|---|");
        foreach (var (racer, rates) in _results)
        {
            var median = Statistics.Median(rates);
            string[] cells =
            [
                racer.Name, Number(median), Number(rates.Min()), Number(rates.Max()),
                string.Create(CultureInfo.InvariantCulture, $"{ours / median:0.00}x"),
            ];
            table.AddRow(cells);
            markdown.AppendLine($"| {string.Join(" | ", cells)} |");
        }

        AnsiConsole.Write(table);
        report.Keep(markdown.ToString());
    }

    private static string Number(double value) => value.ToString("0", CultureInfo.InvariantCulture);
}
