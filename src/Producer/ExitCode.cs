namespace VlWorker.Producer;

/// <summary>What the process says to the shell; <c>--help</c> and docs/messages.md list the same.</summary>
internal static class ExitCode
{
    /// <summary>Everything asked for was done.</summary>
    public const int Success = 0;

    /// <summary>The command line, or a request, is wrong. Valid requests of a list were published.</summary>
    public const int Usage = 1;

    /// <summary>The broker can't be reached, refused the credentials, or went away.</summary>
    public const int Broker = 2;

    /// <summary>Something is missing on the broker, or declared otherwise: no worker has declared it yet, or somebody else has.</summary>
    public const int Topology = 3;

    /// <summary>The broker did not take a message: its queue is full.</summary>
    public const int NotConfirmed = 4;

    /// <summary>With <c>--wait</c>: every request was answered, at least one with a rejection.</summary>
    public const int Rejected = 5;

    /// <summary>With <c>--wait</c>: nothing arrived for too long.</summary>
    public const int TimedOut = 6;

    /// <summary>The images to publish can't be listed: no such bucket, folder, manifest or list, no permission, the store is away.</summary>
    public const int Source = 7;

    /// <summary>The job file, a file of results or the output can't be used: another producer has it, the disk is full, it is none.</summary>
    public const int JobFile = 8;

    /// <summary>Interrupted by Ctrl-C or SIGTERM.</summary>
    public const int Interrupted = 130;
}

/// <summary>An end that is the user's to mend: the message is for the terminal and holds no password.</summary>
internal sealed class ProducerException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>One of <see cref="VlWorker.Producer.ExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;
}
