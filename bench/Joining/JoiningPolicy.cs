namespace VlWorker.Bench.Joining;

/// <summary>When rows are taken, and when they are answered.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Least">Rows that join a running batch together at least; 0 where none join.</param>
/// <param name="AnswersAtOnce">Whether a row is answered as soon as it is finished; else when all rows of its batch are.</param>
internal sealed record JoiningPolicy(string Name, int Least, bool AnswersAtOnce)
{
    /// <summary>Whether rows join running batches.</summary>
    public bool Joins => Least > 0;

    /// <summary>What is compared: first the worker as it is, then the same with later answers, then those that join.</summary>
    public static IReadOnlyList<JoiningPolicy> All(int maxBatch) =>
    [
        new("whole batches", 0, true),
        new("whole batches, answers at their end", 0, false),
        new("joining", 1, true),
        new("joining, a quarter of a batch at a time", Math.Max(2, maxBatch / 4), true),
    ];

    /// <summary>How many of the waiting rows go in between two steps.</summary>
    /// <param name="running">Rows that run.</param>
    /// <param name="waiting">Rows that wait.</param>
    /// <param name="maxBatch">Rows that can run.</param>
    public int Take(int running, int waiting, int maxBatch)
    {
        var fit = Math.Min(waiting, maxBatch - running);
        return running == 0 || (Joins && fit >= Least) ? fit : 0;
    }
}
