namespace VlWorker.ModelKit.Downloads;

/// <summary>What to fetch, from where, and with how much patience.</summary>
/// <param name="Repository">OWNER/NAME, or a name alone.</param>
/// <param name="Folder">Where the model shall be. Until it is complete, its files are in a folder beside it, of the same name with .part.</param>
internal sealed record PullOptions(string Repository, string Folder)
{
    /// <summary>The Hub's address, where no other is given.</summary>
    public static readonly Uri Hub = new("https://huggingface.co");

    /// <summary>Branch, tag or commit.</summary>
    public string Revision { get; init; } = "main";

    /// <summary>Address of the Hub, or of something that answers like it.</summary>
    public Uri Endpoint { get; init; } = Hub;

    /// <summary>Sent to <see cref="Endpoint"/> and nowhere else; null for none.</summary>
    public string? Token { get; init; }

    /// <summary>Patterns of paths to fetch; empty for what a model needs.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>What files must be; null for what the listing says. With pins, these files are fetched and no others.</summary>
    public IReadOnlyDictionary<string, Pin>? Pins { get; init; }

    /// <summary>A connection on which nothing comes for so long is given up.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Failures in a row, nothing being gained in between, after which a file is given up.</summary>
    public int Attempts { get; init; } = 8;

    /// <summary>The pause after the first failure; doubled after each further one.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause, whatever a server asks for.</summary>
    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>What a file must be.</summary>
/// <param name="Sha256">64 hexadecimal digits, lower case.</param>
/// <param name="Size">Bytes.</param>
internal sealed record Pin(string Sha256, long Size);

/// <summary>How far a pull is.</summary>
/// <param name="File">The file under way, or just finished.</param>
/// <param name="FileBytes">Bytes of it that are here.</param>
/// <param name="FileSize">Bytes that it has.</param>
/// <param name="Note">Something to tell, such as a retry; null if there is none.</param>
internal sealed record PullProgress(string File, long FileBytes, long FileSize, string? Note = null);

/// <summary>What was fetched.</summary>
/// <param name="Commit">The repository's commit.</param>
/// <param name="Files">The files, in the order of their paths.</param>
/// <param name="AlreadyThere">Whether the folder held all of it before.</param>
internal sealed record PullResult(string Commit, IReadOnlyList<RepositoryFile> Files, bool AlreadyThere);

/// <summary>A model can't be fetched, and trying again will not help by itself. The message is for the user and holds no secret.</summary>
internal sealed class PullException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>An attempt failed; another one may succeed.</summary>
/// <param name="message">What happened.</param>
/// <param name="after">How long the server asks to wait; null if it does not.</param>
/// <param name="inner">The cause.</param>
internal sealed class AttemptException(string message, TimeSpan? after = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>How long the server asks to wait; null if it does not.</summary>
    public TimeSpan? After { get; } = after;
}
