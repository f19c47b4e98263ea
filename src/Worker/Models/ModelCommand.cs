using System.CommandLine;

namespace VlWorker.Models;

/// <summary><c>vl-worker model</c>: what can be done with a model folder without running the worker.</summary>
internal static class ModelCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create() => new("model", "Fetches, converts, inspects and checks models.")
    {
        ConvertCommand.CreateConvert(),
        ConvertCommand.CreateOptimize(),
        InspectCommand.Create(),
        VerifyCommand.Create(),
        QuantizeCommand.Create(),
        PruneCommand.Create(),
        PullCommand.Create(),
    };
}
