using VlWorker.ModelKit;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families;

/// <summary>Chooses the engine that knows a folder's graphs.</summary>
internal static class Engines
{
    /// <summary>Loads a folder's graphs for a device.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device">The device.</param>
    /// <param name="exported">Loads them as they were exported.</param>
    /// <param name="cpu">Loads them as ModelKit builds them for the CPU.</param>
    /// <param name="cuda">Loads them as ModelKit builds them for a GPU.</param>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    /// <exception cref="NotSupportedException">The device can't run them.</exception>
    public static T Choose<T>(ModelFolder folder, DeviceSpec device, Func<T> exported, Func<T> cpu, Func<T> cuda) =>
        (device.Name.Kind, folder.Manifest?.Layout) switch
        {
            (DeviceKind.Cuda, CudaLayout.Name) => cuda(),
            (DeviceKind.Cuda, _) => throw new NotSupportedException("the folder is not built for a GPU (vl-worker model convert --target cuda)"),
            (_, null) => exported(),
            (_, CpuLayout.Name) => cpu(),
            var (_, layout) => throw new InvalidDataException($"layout {layout} has no engine"),
        };
}
