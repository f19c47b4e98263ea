using System.Globalization;

namespace VlWorker.Inference;

/// <summary>What a device is made of.</summary>
internal enum DeviceKind
{
    /// <summary>The processor.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda,
}

/// <summary>The name of a device: <c>cpu</c>, <c>cuda:0</c>, <c>cuda:1</c>, ...</summary>
/// <param name="Kind">What it is made of.</param>
/// <param name="Index">Which GPU, as CUDA counts them within CUDA_VISIBLE_DEVICES; of several cpu devices it only tells them apart.</param>
internal readonly record struct DeviceName(DeviceKind Kind, int Index)
{
    /// <summary>The processor.</summary>
    public static DeviceName Cpu => default;

    /// <summary>Reads a name; a missing number is 0.</summary>
    public static bool TryParse(string? text, out DeviceName name)
    {
        name = default;
        var parts = (text ?? string.Empty).Split(':');
        DeviceKind? kind = parts[0] switch
        {
            "cpu" => DeviceKind.Cpu,
            "cuda" => DeviceKind.Cuda,
            _ => null,
        };
        var index = 0;
        if (kind is null || parts.Length > 2)
            return false;
        if (parts.Length == 2 && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out index))
            return false;
        name = new DeviceName(kind.Value, index);
        return true;
    }

    /// <summary>Reads a name.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static DeviceName Parse(string text) =>
        TryParse(text, out var name) ? name : throw new FormatException($"'{text}' is no device: devices are called cpu, cuda:0, cuda:1, ...");

    /// <inheritdoc/>
    public override string ToString() => this switch
    {
        (DeviceKind.Cpu, 0) => "cpu",
        (DeviceKind.Cpu, _) => string.Create(CultureInfo.InvariantCulture, $"cpu:{Index}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"cuda:{Index}"),
    };
}
