using System.CommandLine;
using VlWorker.Producer.Results;

namespace VlWorker.Producer.Cli;

/// <summary>Options that say which files results are kept in.</summary>
internal sealed class ResultFileOptions
{

    private readonly Option<string?> _lines = new("--to-jsonl")
    {
        Description = "Adds results to this file, a JSON document a line.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _parquet = new("--to-parquet") { Description = "Writes Parquet files into this folder.", HelpName = "DIR" };
    private readonly Option<string?> _folder = new("--to-folder") { Description = "Writes a JSON file an image into this folder.", HelpName = "DIR" };
    private readonly Option<int> _rows = CommonOptions.Number("--rows", "Rows of a Parquet file at most.", 5000, 50_000);
    private readonly Option<int> _seconds =
        CommonOptions.Number("--seconds", "A Parquet file is written after so many seconds, full or not.", 60, 1200);

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_lines, _parquet, _folder, _rows, _seconds])
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (new[] { result.GetValue(_lines), result.GetValue(_parquet), result.GetValue(_folder) }.Count(target => target is not null) > 1)
                result.AddError("--to-jsonl, --to-parquet and --to-folder exclude each other");
        });
    }

    /// <summary>Opens the files; null where results are to be shown.</summary>
    public Func<Task<IResultStore>>? Store(ParseResult result, Terminal terminal)
    {
        if (result.GetValue(_lines) is { } lines)
            return () => Task.FromResult<IResultStore>(new JsonLinesStore(lines));
        if (result.GetValue(_folder) is { } folder)
            return () => Task.FromResult<IResultStore>(new FolderStore(folder));
        return result.GetValue(_parquet) is { } parquet
            ? async () => await ParquetStore.OpenAsync(parquet, result.GetValue(_rows), TimeSpan.FromSeconds(result.GetValue(_seconds)), terminal.Time)
            : null;
    }
}
