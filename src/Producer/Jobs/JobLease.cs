namespace VlWorker.Producer.Jobs;

/// <summary>
/// The right to run a job, or to write results: a lock on a file beside theirs. The system gives it back when the process ends, however it does.
/// </summary>
internal sealed class JobLease : IDisposable
{
    // EWOULDBLOCK of Linux and of macOS, Windows' sharing violation.
    private static readonly int[] LockedCodes = [11, 35, 32];

    private const int Tries = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly FileStream _file;

    private JobLease(FileStream file) => _file = file;

    /// <summary>Takes the lease, or returns null if another process has it.</summary>
    /// <exception cref="ProducerException">The folder can't be written to.</exception>
    public static JobLease? TryTake(string jobFile)
    {
        var path = jobFile + ".lock";
        try
        {
            return new JobLease(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException error) when (IsLocked(error))
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ProducerException(ExitCode.JobFile, $"can't write {path}: {error.Message}", error);
        }
    }

    /// <summary>Takes the lease, or returns null if another process keeps it: one that only looks has it for a moment.</summary>
    /// <inheritdoc cref="TryTake"/>
    public static async Task<JobLease?> TryTakeAsync(string jobFile, TimeProvider time, CancellationToken cancellation)
    {
        for (var left = Tries; ; left--)
        {
            if (TryTake(jobFile) is { } lease)
                return lease;
            if (left == 1)
                return null;
            await Task.Delay(Pause, time, cancellation);
        }
    }

    /// <summary>Takes the lease.</summary>
    /// <exception cref="ProducerException">Another process has it.</exception>
    public static async Task<JobLease> TakeAsync(string jobFile, TimeProvider time, CancellationToken cancellation) =>
        await TryTakeAsync(jobFile, time, cancellation)
            ?? throw new ProducerException(ExitCode.JobFile, $"another producer runs the job of {jobFile}: see it with 'backfill status'");

    /// <summary>Takes the right to write results.</summary>
    /// <param name="place">The file or folder that they go to.</param>
    /// <param name="name">The lock's name but for its ending.</param>
    /// <exception cref="ProducerException">Another process has it.</exception>
    public static JobLease TakeResults(string place, string name) => TryTake(name)
        ?? throw new ProducerException(ExitCode.JobFile, $"another process writes results to {place}: give each one of its own");

    /// <summary>Whether a file could not be opened because another process has it.</summary>
    public static bool IsLocked(IOException error) => LockedCodes.Contains(error.HResult & 0xFFFF);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
