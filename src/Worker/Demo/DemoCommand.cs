using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Spectre.Console;
using VlWorker.Hosting;

namespace VlWorker.Demo;

/// <summary><c>vl-worker demo</c>.</summary>
internal static class DemoCommand
{
    private const string Description = """
        Describes the images of a folder with the bundled models, through a whole worker inside this process, and writes results.jsonl
        (one message a line, as published) and index.html (a gallery that needs no server) to a folder. Settings of the worker
        (--Section:Name=value) are taken too, for other models.
        Exit code: 0 every image has a description or a rejection; 1 some have neither, or the page could not be written;
        2 nothing was done, because of the arguments, the folders or the models; 130 interrupted.
        """;

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var images = new Option<string?>("--images")
        {
            Description = "Folder of images, with its sub-folders. Files that are not images are passed over and listed. [default: the bundled samples]",
            HelpName = "DIR",
        };
        var output = new Option<string>("--out")
        {
            Description = "Folder for results.jsonl and index.html; replaces those of an earlier demo, nothing else.",
            DefaultValueFactory = _ => "demo-out",
            HelpName = "DIR",
        };
        var query = new Option<string[]>("--query")
        {
            Description = "Ranks the images by this text; can be given several times. The page opens with the first.",
            HelpName = "TEXT",
        };
        var ask = new Option<string?>("--ask")
        {
            Description = "Asks each image this question, where a model answers any.",
            HelpName = "TEXT",
        };
        var limit = new Option<int?>("--limit")
        {
            Description = "Takes the first N images only, in the order of their names.",
            CustomParser = Limit,
            HelpName = "N",
        };
        var command = new Command("demo", Description) { images, output, query, ask, limit };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction((result, cancellation) =>
        {
            var settings = new DemoSettings(
                result.GetValue(images) ?? ResourcePath.Resolve("samples"),
                result.GetRequiredValue(output),
                [.. (result.GetValue(query) ?? []).Select(text => text.Trim()).Where(text => text.Length > 0)],
                result.GetValue(limit))
            {
                Question = result.GetValue(ask)?.Trim() is { Length: > 0 } question ? question : null,
            };
            return RunAsync(settings, [.. result.UnmatchedTokens], cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(DemoSettings settings, string[] unmatched, CancellationToken cancellation)
    {
        if (unmatched.FirstOrDefault(token => !WorkerSetting.Is(token)) is { } unknown)
            return await FailAsync($"'{unknown}' is not an option of demo; see demo --help");
        using var signals = new StopSignals(cancellation);
        return await new DemoRun(settings, unmatched, AnsiConsole.Console, TimeProvider.System).RunAsync(signals.Token);
    }

    private static int? Limit(ArgumentResult result)
    {
        if (int.TryParse(result.Tokens.SingleOrDefault()?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit > 0)
            return limit;
        result.AddError("--limit takes a whole number above 0");
        return null;
    }

    private static async Task<int> FailAsync(string message)
    {
        await Console.Error.WriteLineAsync($"Error: {message}");
        return DemoExit.CannotStart;
    }
}
