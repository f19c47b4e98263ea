using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Inspection;

namespace VlWorker.Models;

/// <summary><c>vl-worker model inspect</c>.</summary>
internal static class InspectCommand
{
    private const string Description = """
        Says what a model folder holds and what running it costs: family, graphs with inputs and outputs, parameters, precision, opset, operations
        and bytes an image, memory by batch size, and what optimising would do. No graph is run.
        Exit code: 0 done; 2 the folder is no model.
        """;

    private const int Tokens = 16;

    private static readonly JsonSerializerOptions Form = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private static readonly Argument<string> Folder = new("FOLDER") { Description = "The model's folder: a checkpoint, an export, or an optimised one." };

    private static readonly Option<ModelPrecision> Precision = new("--precision")
    {
        Description = "Which of its graphs, by the suffix of their files; Auto takes the first that is there in full.",
        DefaultValueFactory = _ => ModelPrecision.Auto,
    };

    private static readonly Option<int> Length = new("--tokens")
    {
        Description = "Tokens of a caption, for the work of a captioner.",
        DefaultValueFactory = _ => Tokens,
        CustomParser = Count,
        HelpName = "N",
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Prints JSON in place of the tables." };

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var command = new Command("inspect", Description) { Folder, Precision, Length, Json };
        command.SetAction(result => Run(
            result.GetRequiredValue(Folder), result.GetValue(Precision), result.GetValue(Length), result.GetValue(Json), AnsiConsole.Console, Console.Out,
            Console.Error));
        return command;
    }

    /// <summary>Inspects a folder and prints what was found.</summary>
    /// <returns>An exit code, see <see cref="ModelExit"/>.</returns>
    internal static int Run(string folder, ModelPrecision precision, int tokens, bool json, IAnsiConsole console, TextWriter output, TextWriter error)
    {
        try
        {
            var found = ModelInspector.Inspect(folder, precision, tokens);
            if (json)
                output.WriteLine(JsonSerializer.Serialize(found, Form));
            else
                new InspectionTables(console).Show(found);
            return ModelExit.Good;
        }
        catch (Exception fault) when (fault is ModelFolderException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"Error: {fault.Message}");
            return ModelExit.Unusable;
        }
    }

    private static int Count(ArgumentResult result)
    {
        if (int.TryParse(result.Tokens.SingleOrDefault()?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is > 0 and <= 1 << 20)
            return count;
        result.AddError("--tokens takes a whole number above 0");
        return Tokens;
    }
}
