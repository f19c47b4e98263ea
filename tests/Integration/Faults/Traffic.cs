namespace VlWorker.Integration.Faults;

/// <summary>Tells a worker's traffic apart, for <see cref="FaultPlan.Connections"/> and <see cref="FaultPlan.Matches"/>.</summary>
public static class Traffic
{
    /// <summary>The connection that publishes results; the others take messages and follow vl.control.</summary>
    public static bool IsPublisher(string greeting)
    {
        ArgumentNullException.ThrowIfNull(greeting);
        return greeting.Contains(" publisher", StringComparison.Ordinal);
    }

    /// <summary>The connection that takes messages and acks them.</summary>
    public static bool IsConsumer(string greeting) => !IsPublisher(greeting) && !greeting.Contains(" control", StringComparison.Ordinal);

    /// <summary>A request for one of the samples, not one about the bucket.</summary>
    public static bool IsImage(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return line.Contains(".jpg", StringComparison.Ordinal) || line.Contains(".png", StringComparison.Ordinal);
    }
}
