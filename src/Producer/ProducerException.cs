namespace VlWorker.Producer;

/// <summary>An end that is the user's to mend: the message is for the terminal and holds no password.</summary>
internal sealed class ProducerException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>One of <see cref="VlWorker.Producer.ExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;
}
