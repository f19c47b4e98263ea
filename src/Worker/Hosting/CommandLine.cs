using System.CommandLine;
using VlWorker.Demo;
using VlWorker.Diagnostics;
using VlWorker.Models;

namespace VlWorker.Hosting;

/// <summary>The verbs of vl-worker; without a verb it runs the worker.</summary>
internal static class CommandLine
{
    /// <summary>Parses the arguments and runs what they ask for.</summary>
    /// <returns>The exit code: 0 done, 1 failed, 2 can't start.</returns>
    public static async Task<int> InvokeAsync(string[] args)
    {
        var root = new RootCommand("Describes images: takes jobs from RabbitMQ, reads images from S3, publishes captions and embeddings.")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        root.SetAction((result, _) => RunAsync([.. result.UnmatchedTokens]));
        root.Subcommands.Add(DemoCommand.Create());
        root.Subcommands.Add(EmbedCommand.Create());
        root.Subcommands.Add(ModelCommand.Create());
        root.Subcommands.Add(ConfigCommand.Create());
        root.Subcommands.Add(DoctorCommand.Create());

        // The host handles SIGTERM and Ctrl-C itself: the parser's own handler would cut its drain short.
        var parsed = root.Parse(args);
        var code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
        return code == 1 && parsed.Errors.Count > 0 ? 2 : code;
    }

    private static async Task<int> RunAsync(string[] settings)
    {
        if (settings.FirstOrDefault(token => !token.StartsWith("--", StringComparison.Ordinal)) is { } unknown)
        {
            await Console.Error.WriteLineAsync($"'{unknown.Split('=')[0]}' is neither a command nor a setting (--Section:Name=value).");
            return 2;
        }

        if (settings.FirstOrDefault(token => !IsSetting(token)) is { } strange)
        {
            await Console.Error.WriteLineAsync($"{strange.Split('=')[0]}: there is no such setting.");
            return 2;
        }

        return await WorkerHost.RunAsync(settings);
    }

    /// <summary>Whether a token that starts with -- names a setting of one of the worker's sections.</summary>
    public static bool IsSetting(string token)
    {
        var section = token[2..].Split(':', '=')[0];
        return section is "Logging" || WorkerOptions.Sections.Any(known => known.Section.Equals(section, StringComparison.OrdinalIgnoreCase));
    }
}
