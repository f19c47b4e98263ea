namespace VlWorker.Inference.Cuda;

/// <summary>When rows leave a running batch, and when rows join it. Each costs the rows that run a little; neither changes what they say.</summary>
/// <param name="Leave">Rows move together once their steps take at most this share of the places that they run over; 0 where they never do.</param>
/// <param name="Free">Rows join once at least this share of the places that there are is free, or nobody runs.</param>
/// <param name="Pause">Steps, at least, from one question for rows to the next: it bounds what rows that come one by one cost the others.</param>
internal sealed record JoinPolicy(double Leave = 0.75, double Free = 0.25, int Pause = 8)
{
    /// <summary>What bench chat-joining was measured with; other values were not compared.</summary>
    public static JoinPolicy Default { get; } = new();
}
