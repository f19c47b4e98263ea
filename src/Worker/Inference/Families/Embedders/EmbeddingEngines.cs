using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Families.Embedders.Cuda;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Embedders;

/// <summary>Chooses the engine that knows a folder's graphs.</summary>
internal static class EmbeddingEngines
{
    /// <summary>Loads a folder's graphs.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="family">Its family.</param>
    /// <param name="padding">How texts are padded; null where any length will do.</param>
    /// <param name="images">How images are prepared.</param>
    /// <param name="options">How the model runs.</param>
    /// <param name="device">What it runs on.</param>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    public static IEmbeddingEngine Load(
        ModelFolder folder, EmbedderFamily family, TextPadding? padding, PreprocessorConfig images, ModelOptions options, DeviceSpec device) =>
        (device.Name.Kind, folder.Manifest?.Layout) switch
        {
            (DeviceKind.Cuda, CudaLayout.Name) => CudaEmbeddingEngine.Load(EmbeddingGraphs.Of(folder, images), CudaSettings.For(device)),
            (DeviceKind.Cuda, _) => throw new NotSupportedException("the folder is not built for a GPU (vl-worker model convert --target cuda)"),
            (_, null) => ExportedEmbeddingEngine.Load(folder, family, padding, images, options),
            (_, CpuLayout.Name) => CpuEmbeddingEngine.Load(folder, padding, options),
            var (_, layout) => throw new InvalidDataException($"layout {layout} has no engine"),
        };
}
