using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.Clip;

/// <summary>Chooses the engine that knows a folder's graphs.</summary>
internal static class EmbeddingEngines
{
    /// <summary>Loads a folder's graphs.</summary>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    public static IEmbeddingEngine Load(
        ModelFolder folder, PreprocessorConfig images, ModelOptions options, DeviceSpec device) =>
        (device.Name.Kind, folder.Manifest?.Layout) switch
        {
            (DeviceKind.Cuda, _) => throw new NotSupportedException("there is no engine for this family on a GPU"),
            (_, null) => ExportedEmbeddingEngine.Load(folder, images, options),
            (_, CpuLayout.Name) => CpuEmbeddingEngine.Load(folder, options),
            var (_, layout) => throw new InvalidDataException($"layout {layout} has no engine"),
        };
}
