using System.CommandLine;
using System.CommandLine.Parsing;
using VlWorker.Demo;
using VlWorker.ModelKit.Downloads;

namespace VlWorker.Models;

/// <summary><c>vl-worker model pull</c>: a model repository's files, from the Hub or from a server that answers like it.</summary>
internal static class PullCommand
{
    /// <summary>The environment variable with the token, as in the Hub's own tools.</summary>
    public const string TokenVariable = "HF_TOKEN";

    /// <summary>The environment variable with the server's address, as in the Hub's own tools.</summary>
    public const string EndpointVariable = "HF_ENDPOINT";

    private const string Description = """
        Fetches a model's files: configuration, tokenizer and weights, which are the checkpoint in safetensors, or onnx/*.onnx where there is none.
        An interrupted download goes on where it stopped. Every file is checked against its size and its digest, and the folder appears only
        when all of them are right. A token for models that need one is taken from the environment variable HF_TOKEN.
        Exit code: 0 the model is there; 2 it can't be fetched; 130 interrupted.
        """;

    private static readonly Argument<string> Repository = new("REPO") { Description = "OWNER/NAME." };
    private static readonly Option<string> Revision = new("--revision")
    {
        Description = "Branch, tag or commit; refs/pr/N is a pull request.",
        DefaultValueFactory = _ => "main",
        HelpName = "R",
    };

    private static readonly Option<Uri?> Endpoint = new("--endpoint")
    {
        Description = $"The server's address. [default: {EndpointVariable}, or {PullOptions.Hub.Host}]",
        CustomParser = Address,
        HelpName = "URL",
    };

    private static readonly Option<string?> Out = new("--out") { Description = "The folder to make. [default: models/NAME]", HelpName = "DIR" };
    private static readonly Option<string[]> Include = new("--include")
    {
        Description = "Fetches what the pattern names, and nothing else; can be given several times. * stays within a folder, ** does not.",
        HelpName = "GLOB",
    };

    private static readonly Option<string?> Pins = new("--pin")
    {
        Description = "File with a line SHA256 BYTES PATH for each file: these are fetched, and must be so whatever the server lists.",
        HelpName = "FILE",
    };

    private static readonly Option<bool> PrintPins = new("--print-pins") { Description = "Prints such lines for the files that were fetched." };

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var command = new Command("pull", Description) { Repository, Revision, Endpoint, Out, Include, Pins, PrintPins };
        command.SetAction(async (result, cancellation) =>
        {
            using var signals = new StopSignals(cancellation);
            return await RunAsync(() => Read(result), result.GetValue(PrintPins), (Console.Out, Console.Error), TimeProvider.System, signals.Token);
        });
        return command;
    }

    /// <summary>Fetches a model and says how it went.</summary>
    public static async Task<int> RunAsync(
        Func<PullOptions> read, bool printPins, (TextWriter Out, TextWriter Error) console, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            var options = read();
            var result = await new ModelPull(options, time, new PullLines(console.Error, time)).RunAsync(cancellation);
            var size = ByteSize.Text(result.Files.Sum(static file => file.Size));
            await console.Error.WriteLineAsync(
                $"{(result.AlreadyThere ? "Already there" : "Done")}: {options.Folder}, {result.Files.Count} files, {size}, commit {result.Commit}");
            if (printPins)
                await PrintPinsAsync(options.Folder, result, console.Out, cancellation);
            return ModelExit.Good;
        }
        catch (PullException error)
        {
            await console.Error.WriteLineAsync($"Error: {error.Message}");
            return ModelExit.Unusable;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await console.Error.WriteLineAsync("Interrupted; the same command goes on from here.");
            return ModelExit.Interrupted;
        }
    }

    private static async Task PrintPinsAsync(string folder, PullResult result, TextWriter output, CancellationToken cancellation)
    {
        foreach (var file in result.Files)
        {
            var sha256 = file.Sha256 ?? await FileCheck.Sha256Async(Path.Combine(folder, file.Path), cancellation);
            await output.WriteLineAsync(PinFile.Line(file.Path, new Pin(sha256, file.Size)));
        }
    }

    private static PullOptions Read(ParseResult result)
    {
        var repository = result.GetRequiredValue(Repository);
        var endpoint = result.GetValue(Endpoint) ?? FromEnvironment();
        return new PullOptions(repository, result.GetValue(Out) ?? Path.Combine("models", repository.Split('/')[^1]))
        {
            Revision = result.GetRequiredValue(Revision),
            Endpoint = endpoint,
            Token = Environment.GetEnvironmentVariable(TokenVariable),
            Include = result.GetValue(Include) ?? [],
            Pins = result.GetValue(Pins) is { } pins ? PinFile.Read(pins) : null,
        };
    }

    private static Uri FromEnvironment() => Environment.GetEnvironmentVariable(EndpointVariable) switch
    {
        null or "" => PullOptions.Hub,
        var address when Uri.TryCreate(address, UriKind.Absolute, out var uri) => uri,
        var address => throw new PullException($"{EndpointVariable} is no address: {address}"),
    };

    private static Uri? Address(ArgumentResult result)
    {
        if (Uri.TryCreate(result.Tokens.SingleOrDefault()?.Value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
            return uri;
        result.AddError("--endpoint takes an address of http or https");
        return null;
    }
}
