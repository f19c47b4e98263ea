using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Clip.Cuda;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.Cuda;

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
            (DeviceKind.Cuda, CudaLayout.Name) => CudaEmbeddingEngine.Load(EmbeddingGraphs.Of(folder, images), CudaSettings.For(device)),
            (DeviceKind.Cuda, _) => throw new NotSupportedException("the folder is not built for a GPU (vl-worker model convert --target cuda)"),
            (_, null) => ExportedEmbeddingEngine.Load(folder, images, options),
            (_, CpuLayout.Name) => CpuEmbeddingEngine.Load(folder, options),
            var (_, layout) => throw new InvalidDataException($"layout {layout} has no engine"),
        };
}
