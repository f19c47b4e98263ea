using System.CommandLine;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Cli;

/// <summary>Where the object store is.</summary>
internal sealed class StoreOptions
{
    private readonly Option<string?> _endpoint = new("--store-endpoint")
    {
        Description = $"The store's address. Default: ${StoreSettings.EndpointVariable}, else Amazon S3. Keys: ${StoreSettings.AccessVariable} and "
            + $"${StoreSettings.SecretVariable}, else Amazon's own environment, profile or instance role.",
        HelpName = "URL",
    };

    private readonly Option<string?> _region = new("--store-region") { Description = "The region; default: us-east-1.", HelpName = "REGION" };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_endpoint);
        command.Add(_region);
    }

    /// <summary>What the options and the environment say.</summary>
    public StoreSettings Settings(ParseResult result, Terminal terminal) => new(
        result.GetValue(_endpoint) ?? terminal.Environment(StoreSettings.EndpointVariable),
        result.GetValue(_region) ?? "us-east-1",
        terminal.Environment(StoreSettings.AccessVariable),
        terminal.Environment(StoreSettings.SecretVariable));
}
