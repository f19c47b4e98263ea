using System.Diagnostics;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Idefics3.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Bench.Gpu.Joining;

/// <summary>What rows do while their batch runs.</summary>
/// <param name="Name">For the command line and the tables.</param>
/// <param name="Leaves">Whether those that are left move together, so that steps run over fewer.</param>
/// <param name="Joins">Whether waiting rows take the places of those that have ended.</param>
internal sealed record ChatWay(string Name, bool Leaves, bool Joins)
{
    /// <summary>Whole batches first, which the others are compared with.</summary>
    public static IReadOnlyList<ChatWay> All { get; } =
        [new("whole", false, false), new("leave", true, false), new("join", false, true), new("leave+join", true, true)];

    /// <summary>Answers a backlog.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="policy">When rows leave and join, where they do.</param>
    /// <param name="backlog">The rows.</param>
    /// <param name="lanes">Batches in flight.</param>
    /// <param name="limit">Rows of one at most.</param>
    /// <returns>Seconds.</returns>
    public double Answer(CudaChatEngine engine, JoinPolicy policy, ChatBacklog backlog, int lanes, int limit)
    {
        engine.Policy = Leaves ? policy : policy with { Leave = 0 };
        var started = Stopwatch.GetTimestamp();
        Exception? failure = null;
        var threads = Enumerable.Range(0, lanes).Select(_ => new Thread(() =>
        {
            try
            {
                while (backlog.IsLeft)
                    Batch(engine, backlog, limit);
            }
            catch (Exception error)
            {
                failure = error;
            }
        })).ToList();
        threads.ForEach(static thread => thread.Start());
        threads.ForEach(static thread => thread.Join());
        return failure is null ? Stopwatch.GetElapsedTime(started).TotalSeconds : throw new InvalidOperationException($"{Name} failed", failure);
    }

    private void Batch(CudaChatEngine engine, ChatBacklog backlog, int limit)
    {
        var rows = backlog.Take(limit);
        if (rows.Length > 0)
            engine.Run(rows, new RowResult[rows.Length], Joins ? backlog.Join : null, CancellationToken.None);
        else
            Thread.Sleep(backlog.UntilNext);
    }
}
