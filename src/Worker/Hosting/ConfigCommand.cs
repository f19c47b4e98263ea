using System.CommandLine;

namespace VlWorker.Hosting;

/// <summary><c>vl-worker config</c>: prints the reference of all settings, which is docs/configuration.md.</summary>
internal static class ConfigCommand
{
    public static Command Create()
    {
        var command = new Command("config", "Prints the reference of all settings as Markdown.");
        command.SetAction(_ => Console.Out.Write(ConfigurationReference.Markdown()));
        return command;
    }
}
