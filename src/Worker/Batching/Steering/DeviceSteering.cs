namespace VlWorker.Batching.Steering;

/// <summary>
/// How many rows a device's batches have, and how many of them run at a time, so that 19 of 20 take no longer than the objective and the device is
/// as busy as that allows. A function of the batches that it is shown, of the utilisation and of the clock. Not thread-safe.
/// </summary>
/// <remarks>
/// <code>
/// too slow, twice in a row      -> fewer rows, as many as the time would allow if it were proportional; at one row, fewer batches in flight
/// far too slow                  -> the same, after a few batches
/// full batches, GPU not busy    -> one more batch in flight, if the time allows it
/// full batches otherwise        -> more rows, if the time allows it
/// batches that are not full     -> nothing: there is no more work than that
/// </code>
/// Where utilisation is not known, batches in flight stay as many as there are streams.
/// It does not swing. How much longer a batch will take is estimated from above: its kernels in proportion to its rows, and the device shared by all
/// batches in flight. What is raised stays by <see cref="SteeringOptions.Margin"/> below the objective even then, and is lowered only above the
/// objective. Noise beyond the margin is met by <see cref="SteeredLevel"/>, which waits longer and longer before it tries again what was too much.
/// After a change, batches that were on their way do not count.
/// </remarks>
/// <param name="options">Objective and pace.</param>
/// <param name="maxBatch">Rows at most.</param>
/// <param name="streams">Batches in flight at most.</param>
/// <param name="time">The clock.</param>
internal sealed class DeviceSteering(SteeringOptions options, int maxBatch, int streams, TimeProvider time)
{
    /// <summary>A single slow sample is an accident.</summary>
    private const int InARow = 2;

    /// <summary>Where every batch takes this many times the objective, few of them are enough.</summary>
    private const double FarTooSlow = 2;

    /// <summary>Rows up to which a step is so large that it would often be held for too large.</summary>
    private const int Small = 2;

    /// <summary>Share of full batches from which there is more work than the batches hold.</summary>
    private const double Demand = 0.8;

    /// <summary>Faster by this than when it settled: something else has changed.</summary>
    private const double Faster = 0.7;

    private readonly Dictionary<string, Model> _models = new(StringComparer.Ordinal);
    private readonly SteeredLevel _inFlight = new([.. Enumerable.Range(1, streams)], options.RetryAfter, time);
    private readonly double _objective = options.BatchTimeMs / 1000;
    private int _ignored;

    /// <summary>Batches that may run at the same time.</summary>
    public int InFlight => _inFlight.Value;

    /// <summary>Rows that a model's batch may have.</summary>
    public int Rows(string model) => _models.TryGetValue(model, out var found) ? found.Rows.Value : maxBatch;

    /// <summary>Shows a batch that has run.</summary>
    /// <param name="model">Its model.</param>
    /// <param name="full">Whether it had as many rows as it might.</param>
    /// <param name="elapsed">Its time on the device.</param>
    public void Observe(string model, bool full, TimeSpan elapsed)
    {
        if (_ignored > 0)
        {
            _ignored--;
            return;
        }

        if (!_models.TryGetValue(model, out var found))
            _models.Add(model, found = new Model(new SteeredLevel(SteeredLevel.Ladder(maxBatch), options.RetryAfter, time)));
        found.Sample.Add(full, elapsed.TotalSeconds);
    }

    /// <summary>Decides, if enough was seen.</summary>
    /// <param name="utilization">How busy the device is, 0 to 1; null if that is not known.</param>
    /// <returns>Whether something has changed.</returns>
    public bool Decide(double? utilization)
    {
        var seen = _models.Values.Where(model => model.Sample.IsEnough || model.Sample.AllAbove(FarTooSlow * _objective)).ToList();
        seen.ForEach(model => model.Measure(_objective));
        if (seen.Count == 0)
            return false;
        var changed = Lower(seen, utilization is not null);
        if (!changed)
        {
            seen.ForEach(model => model.Compare(Faster));
            if (seen.TrueForAll(model => model.Fast >= InARow))
                Forget();
            // What has just become faster shows first whether it stays so.
            changed = seen.TrueForAll(model => model.Fast is 0 or >= InARow) && Raise(seen, utilization);
        }

        if (changed)
            Restart();
        return changed;
    }

    /// <summary>Batches that run or are formed already are of the old size.</summary>
    private void Restart()
    {
        _ignored = streams;
        foreach (var model in _models.Values)
            model.Restart();
    }

    /// <summary>Something else has changed for the better: what was too much may be right now.</summary>
    private void Forget()
    {
        _inFlight.Forget();
        foreach (var model in _models.Values)
            model.Rows.Forget();
    }

    private bool Lower(List<Model> seen, bool inFlight)
    {
        var slow = seen.Where(model => model.Slow >= InARow).ToList();
        if (slow.Count == 0)
            return false;
        var changed = false;
        foreach (var model in slow)
            changed |= model.Rows.Lower((1 - (options.Margin / 2)) * _objective / model.Percentile95);
        return changed || (inFlight && _inFlight.Lower(_objective / slow.Max(model => model.Percentile95)));
    }

    private bool Raise(List<Model> seen, double? utilization)
    {
        var full = seen.Where(model => model.Full >= Demand).ToList();
        if (full.Count == 0 || seen.Exists(model => model.Slow > 0))
            return false;
        var room = (1 - options.Margin) * _objective;
        var worst = seen.Max(model => model.Percentile95);
        // Batches beside each other share the device: no batch is slower for another one as long as both find it free.
        if (utilization < options.Utilization && _inFlight.Raise(times => times <= (InFlight + 1d) / InFlight
            && worst * Math.Max(1, utilization.Value * times / options.Utilization) <= room))
            return true;
        var changed = false;
        foreach (var model in full)
        {
            // Kernels take longer for more rows, in proportion at most; the gaps between them do not. Where the gaps are not known, half of the time
            // of one or two rows is taken for them; if that is wrong, the next sample will tell.
            var share = utilization < options.Utilization ? utilization.Value : model.Rows.Value <= Small && utilization is null ? 0.5 : 1;
            changed |= model.Rows.Raise(times => model.Percentile95 * (1 + (share * (times - 1))) <= room);
        }

        return changed;
    }

    /// <summary>What is known of a model on the device.</summary>
    private sealed class Model(SteeredLevel rows)
    {
        private double? _settled;

        public SteeredLevel Rows { get; } = rows;

        public BatchSample Sample { get; } = new();

        /// <summary>Seconds, in the last sample.</summary>
        public double Percentile95 { get; private set; }

        /// <summary>Share of full batches in the last sample.</summary>
        public double Full { get; private set; }

        /// <summary>Samples in a row that were above the objective.</summary>
        public int Slow { get; private set; }

        public void Measure(double objective)
        {
            (Percentile95, Full) = (Sample.Percentile95, Sample.Full);
            Slow = Percentile95 <= objective ? 0 : Sample.AllAbove(FarTooSlow * objective) ? InARow : Slow + 1;
            Sample.Clear();
        }

        /// <summary>Samples in a row in which full batches took less than a share of what they took at first at this size.</summary>
        public int Fast { get; private set; }

        public void Compare(double share)
        {
            _settled ??= Percentile95;
            Fast = Full >= Demand && Percentile95 < share * _settled ? Fast + 1 : 0;
        }

        public void Restart()
        {
            Sample.Clear();
            (_settled, Fast, Slow) = (null, 0, 0);
        }
    }
}
