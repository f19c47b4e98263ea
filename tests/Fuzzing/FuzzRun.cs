using System.Diagnostics;

namespace VlWorker.Fuzzing;

/// <summary>Gives a reader damaged inputs. It may refuse them with InvalidDataException, and nothing else; within memory and time.</summary>
internal sealed class FuzzRun(FuzzTarget target, int seed)
{
    /// <summary>Bytes allocated for a byte of the input at most: a message of two bytes is an object of some hundred.</summary>
    public const int MostBytesAllocated = 300;

    /// <summary>Bytes allocated for any input at most: exceptions, buffers, JSON.</summary>
    public const int AllocatedAnyway = 4 << 20;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    private readonly Mutator _mutator = new(seed);

    /// <summary>Inputs so far.</summary>
    public int Inputs { get; private set; }

    /// <summary>Inputs that were read without complaint: damaged where nobody can tell.</summary>
    public int Accepted { get; private set; }

    /// <summary>The longest time that one input took.</summary>
    public TimeSpan Slowest { get; private set; }

    /// <summary>The most bytes that one input made the reader allocate.</summary>
    public long MostAllocated { get; private set; }

    /// <summary>What went wrong, with the input's number.</summary>
    public List<string> Failures { get; } = [];

    /// <summary>Runs one input.</summary>
    public void Next()
    {
        var input = _mutator.Next(target.Originals);
        File.WriteAllBytes(target.Path, input);
        var number = ++Inputs;
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.GetTimestamp();
        try
        {
            target.Read(target.Path);
            Accepted++;
        }
        catch (InvalidDataException error)
        {
            if (!error.Message.StartsWith(target.Path, StringComparison.Ordinal))
                Fail(number, input, $"the message does not begin with the file: {error.Message}");
        }
        catch (Exception error)
        {
            Fail(number, input, error.ToString());
        }

        Measure(number, input, GC.GetAllocatedBytesForCurrentThread() - allocated, Stopwatch.GetElapsedTime(started));
    }

    private void Measure(int number, byte[] input, long allocated, TimeSpan took)
    {
        Slowest = took > Slowest ? took : Slowest;
        MostAllocated = Math.Max(MostAllocated, allocated);
        if (took > Longest)
            Fail(number, input, $"it took {took}");
        if (allocated > AllocatedAnyway + target.ExternalBytes + ((long)MostBytesAllocated * input.Length))
            Fail(number, input, $"{allocated} bytes were allocated for {input.Length}");
    }

    private void Fail(int number, byte[] input, string what)
    {
        var kept = Path.Combine(Path.GetTempPath(), $"vlworker-fuzz-{target.Name}-{seed}-{number}");
        File.WriteAllBytes(kept, input);
        Failures.Add($"{target.Name}, seed {seed}, input {number}, kept in {kept}: {what}");
    }
}
