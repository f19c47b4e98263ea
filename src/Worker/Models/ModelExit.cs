namespace VlWorker.Models;

/// <summary>The exit codes of the verbs below <c>vl-worker model</c>, in their help too.</summary>
internal static class ModelExit
{
    /// <summary>Done, and as it must be.</summary>
    public const int Good = 0;

    /// <summary>Done, but the outcome is not as it must be.</summary>
    public const int Bad = 1;

    /// <summary>Nothing was done: the arguments or the files don't allow it.</summary>
    public const int Unusable = 2;

    /// <summary>Interrupted.</summary>
    public const int Interrupted = 130;
}

/// <summary>A verb can't go on; the message is for the user.</summary>
internal sealed class ModelCommandException(string message, Exception? inner = null) : Exception(message, inner);
