using VlWorker.Failures;
using VlWorker.Inference.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>A lane's plans by beams and length, and their memory. Owns them.</summary>
/// <param name="graphs">The captioner's.</param>
/// <param name="settings">How they run.</param>
/// <param name="stream">The lane's.</param>
/// <param name="greedy">A step of greedy search; stays the lane's. That of beam search is loaded when it is first wanted.</param>
/// <param name="shapes">Of the graphs.</param>
/// <param name="cross">What is read of the images; stays the encoder's.</param>
internal sealed class SearchPlans(
    CaptionGraphs graphs, CudaSettings settings, CudaStream stream, CudaSession greedy, CaptionShapes shapes, IReadOnlyList<DeviceBuffer> cross) : IDisposable
{
    private readonly Dictionary<(int Beams, int Length), SearchPlan> _plans = [];
    private readonly Dictionary<SearchPlan, HostChoice> _hosts = [];
    private CudaSession? _beams;

    /// <summary>The plan for a batch; made where there is none that is long and large enough.</summary>
    /// <param name="beams">Rows of an image.</param>
    /// <param name="steps">Steps at most.</param>
    /// <param name="rows">Images.</param>
    /// <exception cref="OutOfDeviceMemoryException">There is no room for it.</exception>
    public SearchPlan Find(int beams, int steps, int rows)
    {
        // Rounded up, so that requests of different lengths share one.
        var length = Math.Max(16, (steps + 15) / 16 * 16);
        var fitting = _plans.Where(entry => entry.Key.Beams == beams && entry.Key.Length >= length && entry.Value.Capacity >= rows)
            .OrderBy(entry => entry.Key.Length).Select(entry => entry.Value).FirstOrDefault();
        if (fitting is not null)
            return fitting;
        Drop((beams, length));
        try
        {
            return _plans[(beams, length)] = Make(beams, length, settings.MaxBatch);
        }
        catch (OutOfDeviceMemoryException) when (rows < settings.MaxBatch)
        {
            // Other beams or lengths than planned for: there may be room for this batch all the same.
            return _plans[(beams, length)] = Make(beams, length, rows);
        }
    }

    private SearchPlan Make(int beams, int length, int capacity)
    {
        var memory = new StepMemory(shapes, cross, stream, capacity * beams, length);
        try
        {
            return beams == 1
                ? new GreedyPlan(greedy, shapes, stream, memory, capacity, graphs.Tokens.Prompt[0])
                : new BeamPlan(_beams ??= new CudaSession(graphs.Beams, stream, settings), shapes, stream, memory, capacity, beams, graphs.Tokens);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    private void Drop((int Beams, int Length) key)
    {
        if (!_plans.Remove(key, out var plan))
            return;
        if (_hosts.Remove(plan, out var host))
            host.Dispose();
        plan.Dispose();
    }

    /// <summary>What makes a plan's choices on the host.</summary>
    public HostChoice Host(SearchPlan plan)
    {
        if (!_hosts.TryGetValue(plan, out var host))
            _hosts.Add(plan, host = new HostChoice(plan, shapes, stream, graphs.Vocabulary));
        return host;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in _hosts.Values.Concat<IDisposable>(_plans.Values))
            part.Dispose();
        _beams?.Dispose();
    }
}
