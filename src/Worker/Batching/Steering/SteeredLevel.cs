namespace VlWorker.Batching.Steering;

/// <summary>A number that is lowered and raised in steps, and that remembers which value was too much. Not thread-safe.</summary>
/// <remarks>
/// A refused value is not tried again before <paramref name="retryAfter"/> has passed; each further refusal doubles that time. So while nothing
/// changes, the number of tries grows with the logarithm of time only.
/// </remarks>
/// <param name="steps">The values that it may take, rising. It begins with the last.</param>
/// <param name="retryAfter">Time before a refused value is tried again.</param>
/// <param name="time">The clock.</param>
internal sealed class SteeredLevel(IReadOnlyList<int> steps, TimeSpan retryAfter, TimeProvider time)
{
    private const int MostPatience = 64;
    private int _at = steps.Count - 1;
    private int _refused = int.MaxValue;
    private long _since;
    private int _patience = 1;

    /// <summary>The value now.</summary>
    public int Value => steps[_at];

    /// <summary>Whether it can't be lowered.</summary>
    public bool Lowest => _at == 0;

    /// <summary>One to the largest: two values between each power of two and the next, at most half as much again from one to the next but the first.</summary>
    public static IReadOnlyList<int> Ladder(int largest)
    {
        var steps = new List<int>();
        for (var power = 1; power < largest; power *= 2)
        {
            steps.Add(power);
            if (power >= 2 && power * 3 / 2 < largest)
                steps.Add(power * 3 / 2);
        }

        steps.Add(largest);
        return steps;
    }

    /// <summary>Takes the largest value that was not refused and is small enough; false if that is the present one.</summary>
    /// <param name="enough">Whether a batch does not take too long with this many times the present value.</param>
    public bool Raise(Func<double, bool> enough)
    {
        if (_refused != int.MaxValue && time.GetElapsedTime(_since) >= retryAfter * _patience)
        {
            _refused = int.MaxValue;
            _patience = Math.Min(_patience * 2, MostPatience);
        }

        var to = _at;
        while (to + 1 < steps.Count && to + 1 < _refused && enough((double)steps[to + 1] / steps[_at]))
            to++;
        (var changed, _at) = (to != _at, to);
        return changed;
    }

    /// <summary>The present value is too much: takes the largest one that is at most so many times of it, in any case a lower one; false if there is none.</summary>
    public bool Lower(double factor)
    {
        if (Lowest)
            return false;
        (_refused, _since) = (_at, time.GetTimestamp());
        var to = _at - 1;
        while (to > 0 && steps[to] > steps[_at] * factor)
            to--;
        _at = to;
        return true;
    }

    /// <summary>Conditions have changed: what was refused may be right now.</summary>
    public void Forget() => (_refused, _patience) = (int.MaxValue, 1);
}
