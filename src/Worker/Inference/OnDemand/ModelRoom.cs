namespace VlWorker.Inference.OnDemand;

/// <summary>Memory that the models loaded on demand may take together, device by device.</summary>
internal sealed class ModelRoom
{
    private readonly long _limit;
    private readonly Dictionary<string, long> _free = new(StringComparer.Ordinal);

    /// <summary>Looks at what is free now: of a GPU, no more than that is theirs.</summary>
    /// <param name="limit">Bytes on each device; 0: no limit.</param>
    /// <param name="devices">The devices.</param>
    public ModelRoom(long limit, params IEnumerable<DeviceName> devices)
    {
        _limit = limit == 0 ? long.MaxValue : limit;
        foreach (var device in devices)
        {
            if (DeviceMemory.Free(device) is { } free)
                _free[device.ToString()] = free;
        }
    }

    /// <summary>Bytes on a device.</summary>
    public long On(string device) => Math.Min(_limit, _free.GetValueOrDefault(device, long.MaxValue));
}
