using System.Net.Sockets;
using System.Security.Authentication;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace VlWorker.Producer.Broker;

/// <summary>Opens a connection, and says in plain words why there is none.</summary>
internal static class BrokerConnection
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Connects. The caller disposes of the connection.</summary>
    /// <exception cref="ProducerException">It can't be had.</exception>
    public static async Task<IConnection> OpenAsync(BrokerAddress address, string purpose, CancellationToken cancellation)
    {
        try
        {
            return await address.CreateFactory(purpose, Timeout).CreateConnectionAsync(cancellation);
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
                    return $"no answer within {Timeout.TotalSeconds:0} s";
            }
        }

        return error.GetBaseException().Message;
    }

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
