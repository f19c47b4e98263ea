namespace VlWorker.Integration.Infrastructure;

/// <summary>
/// A broker of a test's own, to be stopped and killed: Debian's rabbitmq-server, or the one in RABBIT_ROOT. Its port and data stay
/// the same over restarts.
/// </summary>
public sealed class PrivateBroker : BrokerAccess
{
    private readonly ServerScript _server;

    private PrivateBroker(ServerScript server) => _server = server;

    /// <summary>Starts one; the caller disposes it.</summary>
    /// <param name="configuration">Further lines of rabbitmq.conf.</param>
    public static async Task<PrivateBroker> StartNewAsync(string configuration = "")
    {
        var settings = new Dictionary<string, string> { ["RABBIT_CONFIG"] = configuration };
        var broker = new PrivateBroker(new ServerScript("rabbitmq.sh", Repository.NewFolder("broker"), settings));
        try
        {
            await broker.StartAsync();
            return broker;
        }
        catch
        {
            await broker._server.RemoveAsync();
            throw;
        }
    }

    /// <summary>Starts it again, after <see cref="StopAsync"/> or <see cref="KillAsync"/>; returns when it takes connections.</summary>
    public async Task StartAsync()
    {
        var uris = await _server.StartAsync();
        Attach(new Uri(uris["VLWORKER_TEST_RABBITMQ"]), new Uri(uris["VLWORKER_TEST_RABBITMQ_MANAGEMENT"]));
    }

    /// <summary>Stops it orderly: clients are told.</summary>
    public Task StopAsync() => _server.RunAsync("stop");

    /// <summary>Ends it at once with SIGKILL.</summary>
    public Task KillAsync() => _server.RunAsync("kill");

    /// <summary>Stops it orderly and starts it.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    /// <summary>What it has logged so far.</summary>
    public string Log => string.Concat(Directory.GetFiles(Path.Combine(_server.Folder, "log"), "*.log").Select(File.ReadAllText));

    /// <summary>rabbitmqctl; returns what it printed.</summary>
    public Task<string> ControlAsync(params string[] arguments) => _server.RunAsync("ctl", arguments);

    /// <summary>Calls a function of the broker's own, at once: "MODULE FUNCTION [ARGUMENTS]".</summary>
    public Task<string> CallAsync(string function) => _server.RunAsync("call", function);

    /// <summary>Stops it and removes its folder.</summary>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _server.RemoveAsync();
    }
}
