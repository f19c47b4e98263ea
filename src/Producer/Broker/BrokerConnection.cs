using System.Net.Sockets;
using System.Security.Authentication;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace VlWorker.Producer.Broker;

/// <summary>Opens a connection, and says in plain words why there is none.</summary>
internal static class BrokerConnection
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>For all of it: a server that takes the connection and says nothing would be waited for without end.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>Connects. The caller disposes of the connection.</summary>
    /// <exception cref="ProducerException">It can't be had.</exception>
    public static async Task<IConnection> OpenAsync(BrokerAddress address, string purpose, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Longest);
        try
        {
            return await address.CreateFactory(purpose, Timeout).CreateConnectionAsync(limit.Token);
        }
        catch (Exception error) when (error is RabbitMQClientException or IOException or SocketException or TimeoutException
            or AuthenticationException || (error is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new ProducerException(ExitCode.Broker, $"can't connect to {address}: {Explain(error)}", error);
        }
    }

    /// <summary>The cause among the causes that a user understands, without a password.</summary>
    public static string Explain(Exception error)
    {
        foreach (var cause in Causes(error))
        {
            switch (cause)
            {
                case OperationInterruptedException { ShutdownReason: { } reason }:
                    return reason.ReplyText;
                case AuthenticationFailureException or PossibleAuthenticationFailureException:
                    return "the broker refused the user name or the password";
                case AuthenticationException:
                    return $"TLS failed: {cause.Message}";
                case SocketException socket:
                    return socket.Message;
                case TimeoutException or OperationCanceledException:
                    return "the broker did not answer in time";
            }
        }

        return error.GetBaseException().Message;
    }

    /// <summary>The exit code of what the broker refuses whenever it is asked: no permission, nothing there, declared otherwise. Null for all else.</summary>
    /// <remarks>A broker that is still starting may say that a queue is not there.</remarks>
    public static int? RefusalCode(Exception error) =>
        Causes(error).OfType<OperationInterruptedException>().FirstOrDefault()?.ShutdownReason?.ReplyCode switch
        {
            403 => ExitCode.Broker,
            404 or 406 => ExitCode.Topology,
            _ => null,
        };

    private static IEnumerable<Exception> Causes(Exception error)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is AggregateException { InnerExceptions.Count: > 0 } several)
            {
                foreach (var inner in several.InnerExceptions.SelectMany(Causes))
                    yield return inner;
                yield break;
            }

            yield return cause;
        }
    }
}
