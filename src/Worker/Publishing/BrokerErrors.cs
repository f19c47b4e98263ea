using System.Net.Sockets;
using RabbitMQ.Client.Exceptions;

namespace VlWorker.Publishing;

/// <summary>Recognises and explains failures of the connection to RabbitMQ.</summary>
internal static class BrokerErrors
{
    /// <summary>Whether an error means that the connection or a channel is lost, or can't be had.</summary>
    public static bool IsConnection(Exception error) => error
        is OperationInterruptedException or AlreadyClosedException or BrokerUnreachableException or ConnectFailureException
        or ProtocolException or AuthenticationFailureException or IOException or SocketException or ObjectDisposedException or TimeoutException;

    /// <summary>One sentence without secrets.</summary>
    public static string Explain(Exception error, BrokerOptions broker)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case AuthenticationFailureException:
                    return $"the broker at {broker.Address} refuses the user or the password";
                case OperationInterruptedException { ShutdownReason: { } reason } when reason.ReplyCode is 403 or 530:
                    return $"the broker at {broker.Address} denies access: {reason.ReplyText}";
                case OperationInterruptedException { ShutdownReason: { ReplyCode: 404 } reason }:
                    return $"something is missing on the broker at {broker.Address}: {reason.ReplyText}";
                case SocketException socket:
                    return $"the broker at {broker.Address} is not reachable: {socket.Message}";
            }
        }

        return error is OperationInterruptedException { ShutdownReason: { } shutdown }
            ? $"the connection to the broker at {broker.Address} was lost: {shutdown.ReplyCode} {shutdown.ReplyText}"
            : $"the connection to the broker at {broker.Address} was lost: {error.Message}";
    }
}
