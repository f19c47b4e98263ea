using VlWorker.Telemetry;

namespace VlWorker.Inference.OnDemand;

/// <summary>What a pool does next: at most one of the two, or a time after which to ask again.</summary>
/// <param name="Load">The model to load.</param>
/// <param name="Unload">The model to unload.</param>
/// <param name="Wait">Null: nothing changes by itself.</param>
internal readonly record struct PoolStep(PooledModel? Load, PooledModel? Unload, TimeSpan? Wait)
{
    /// <summary>Why a model is unloaded, among the metrics.</summary>
    public string? Reason { get; init; }
}

/// <summary>Decides which models are in memory, where not all of them fit.</summary>
/// <remarks>
/// Models are loaded in the order in which their oldest request came. One that stands in the way goes, the least recently used first, once nobody
/// uses it; if all are in use, the one that was loaded first takes nobody in any more, and goes when its rows are done. Each keeps its place for a
/// turn, at least as long as loading it took: two models that don't fit together are each served in bursts, and neither waits for ever.
/// </remarks>
internal sealed class ModelTurns(InferenceOptions options, ModelRoom room, TimeProvider time)
{
    /// <summary>A model that nobody has used for this share of its turn has had it.</summary>
    private const int IdleShare = 4;

    /// <summary>The next step. Marks models that have to go.</summary>
    /// <param name="models">All models of the pool.</param>
    /// <param name="now">Timestamp of this moment.</param>
    public PoolStep Next(IReadOnlyList<PooledModel> models, long now)
    {
        var wanted = models.Where(model => model.State == Residency.Unloaded && model.Waiters.Count > 0)
            .MinBy(model => model.Waiters.First!.Value.Since);
        if (wanted is null)
        {
            foreach (var model in models)
                model.Draining = false;
            return Idle(models, now);
        }

        var crowded = wanted.Copies.Select(copy => copy.Device).Where(device => !Fits(models, wanted, device)).ToHashSet(StringComparer.Ordinal);
        if (crowded.Count == 0)
            return new PoolStep(wanted, null, null);
        return MakeRoom([.. models.Where(model => model.State == Residency.Loaded && model.Copies.Any(copy => crowded.Contains(copy.Device)))], now);
    }

    // What takes all there is alone fits alone, though it was measured with a little more.
    private bool Fits(IReadOnlyList<PooledModel> models, PooledModel wanted, string device) =>
        models.Where(model => model.Occupies).Sum(model => model.BytesOn(device)) is var taken && (taken == 0 || taken + wanted.BytesOn(device) <= room.On(device));

    private PoolStep MakeRoom(List<PooledModel> inTheWay, long now)
    {
        var victim = inTheWay.Where(model => model.Uses == 0 && (model.Draining || Left(model, now) <= TimeSpan.Zero)).MinBy(model => model.LastUsed);
        if (victim is not null)
            return new PoolStep(null, victim, null) { Reason = ModelMetrics.Memory };
        if (!inTheWay.Exists(model => model.Draining))
        {
            var busy = inTheWay.Where(model => Left(model, now) <= TimeSpan.Zero).MinBy(model => model.LoadedAt);
            if (busy is not null)
                busy.Draining = true;
        }

        return new PoolStep(null, null, Soonest(inTheWay.Where(model => !model.Draining).Select(model => Left(model, now))));
    }

    /// <summary>What is left of a model's turn.</summary>
    private TimeSpan Left(PooledModel model, long now)
    {
        var turn = model.LoadTook > options.ModelTurn ? model.LoadTook : options.ModelTurn;
        var left = turn - time.GetElapsedTime(model.LoadedAt, now);
        if (model.Uses > 0 || model.Expected > 0)
            return left;
        var idle = (turn / IdleShare) - time.GetElapsedTime(model.LastUsed, now);
        return idle < left ? idle : left;
    }

    /// <summary>Nobody waits: what has not been used for long goes.</summary>
    private PoolStep Idle(IReadOnlyList<PooledModel> models, long now)
    {
        if (options.ModelIdle == TimeSpan.Zero)
            return default;
        var idle = models.Where(model => model is { State: Residency.Loaded, Uses: 0, Expected: 0 }).ToList();
        var oldest = idle.MinBy(model => model.LastUsed);
        return oldest is not null && time.GetElapsedTime(oldest.LastUsed, now) >= options.ModelIdle
            ? new PoolStep(null, oldest, null) { Reason = ModelMetrics.Idle }
            : new PoolStep(null, null, Soonest(idle.Select(model => options.ModelIdle - time.GetElapsedTime(model.LastUsed, now))));
    }

    private static TimeSpan? Soonest(IEnumerable<TimeSpan> times)
    {
        TimeSpan? soonest = null;
        foreach (var left in times.Where(left => left > TimeSpan.Zero))
            soonest = soonest is null || left < soonest ? left : soonest;
        return soonest;
    }
}
