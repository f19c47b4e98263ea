using System.Net;
using System.Text;
using RabbitMQ.Client;
using VlWorker.Publishing;

namespace VlWorker.Diagnostics;

/// <summary>Whether the broker lets this worker in, and whether it holds what the worker would declare. Nothing is declared or changed.</summary>
internal sealed class BrokerCheck(BrokerOptions options, PublishingOptions publishing) : IDiagnosticCheck
{
    private const string Remedy =
        "Compare Broker:Uri (and Broker:PasswordFile) with the broker's users, virtual host and permissions; "
        + "deploy/rabbitmq/definitions.json has what a worker needs";

    /// <inheritdoc/>
    public string Name => "broker";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        if (options.Transport == BrokerTransport.InMemory)
        {
            return [Finding.Warn(
                Name, "in memory: messages are lost when the process ends", "Set Broker:Transport=RabbitMq and Broker:Uri for anything but a trial")];
        }

        if (options.Check() is [var problem, ..])
            return [Finding.Fail(Name, problem, Remedy)];
        try
        {
            await using var connection = await options.CreateFactory().CreateConnectionAsync($"{options.ConnectionName} doctor", cancellation);
            var topology = await new TopologyInspection(connection, publishing).RunAsync(cancellation);
            return [Reached(connection), .. topology];
        }
        catch (Exception error) when (BrokerErrors.IsConnection(error))
        {
            // A virtual host that does not exist shows only once something is asked of it.
            return [Finding.Fail(Name, BrokerErrors.Explain(error, options), Advice(error))];
        }
    }

    private static string Advice(Exception error) => Causes(error).Any(cause => cause is System.Security.Authentication.AuthenticationException)
        ? "Broker:CaFile must hold the authority of the broker's certificate, and the certificate be for the host of Broker:Uri or Broker:ServerName"
        : Causes(error).Any(cause => cause is System.Net.Sockets.SocketException)
            ? "Start the broker, or correct host and port in Broker:Uri; a firewall or network policy may stand between"
            : Remedy;

    private static IEnumerable<Exception> Causes(Exception error)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
            yield return cause;
    }

    private Finding Reached(IConnection connection)
    {
        var version = connection.ServerProperties?.TryGetValue("version", out var text) == true && text is byte[] bytes
            ? Encoding.UTF8.GetString(bytes)
            : "of unknown version";
        var encrypted = connection.Endpoint.Ssl.Enabled;
        var detail = $"{options.Address}, RabbitMQ {version}, {(encrypted ? "encrypted" : "not encrypted")}";
        var host = connection.Endpoint.HostName;
        var local = host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
        return encrypted || local
            ? Finding.Ok(Name, detail)
            : Finding.Warn(
                Name, $"{detail}: the password and all messages can be read on the way", "Use amqps:// with Broker:CaFile, unless the network itself encrypts");
    }
}
