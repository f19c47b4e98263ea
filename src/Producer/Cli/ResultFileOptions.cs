using System.CommandLine;
using System.CommandLine.Parsing;
using VlWorker.Producer.Results;

namespace VlWorker.Producer.Cli;

/// <summary>Options that say which files results are kept in.</summary>
internal sealed class ResultFileOptions
{
    /// <summary>The file for unreadable messages of a command that prints and does not end.</summary>
    private const string UnreadableFile = "unreadable.jsonl";

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

    private readonly Option<string?> _unreadable = new("--unreadable")
    {
        Description = "Writes messages that are no results to this file and takes them from the queue; default: FILE.unreadable or "
            + $"DIR/_{UnreadableFile} where results are kept, {UnreadableFile} in this folder with --follow, --job and --live, "
            + "else they stay in the queue.",
        HelpName = "FILE",
    };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_lines, _parquet, _folder, _rows, _seconds, _unreadable])
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (new[] { result.GetValue(_lines), result.GetValue(_parquet), result.GetValue(_folder) }.Count(target => target is not null) > 1)
                result.AddError("--to-jsonl, --to-parquet and --to-folder exclude each other");
        });
    }

    /// <summary>Whether a file is named, be it for results or for messages that are none.</summary>
    public bool NamesFile(CommandResult result) =>
        (result.GetValue(_lines) ?? result.GetValue(_parquet) ?? result.GetValue(_folder) ?? result.GetValue(_unreadable)) is not null;

    /// <summary>The file for messages that are no results; null leaves them in the queue.</summary>
    /// <param name="result">The options.</param>
    /// <param name="isEndless">Whether the command goes on until it is interrupted: what stays unacknowledged would be in the way.</param>
    public string? Unreadable(ParseResult result, bool isEndless)
    {
        if (result.GetValue(_unreadable) is { } file)
            return file;
        if (result.GetValue(_lines) is { } lines)
            return $"{lines}.unreadable";
        return (result.GetValue(_folder) ?? result.GetValue(_parquet)) is { } folder ? Path.Combine(folder, $"_{UnreadableFile}")
            : isEndless ? UnreadableFile
            : null;
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
