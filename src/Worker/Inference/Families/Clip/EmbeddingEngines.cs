using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.Clip;

/// <summary>Chooses the engine that knows a folder's graphs.</summary>
internal static class EmbeddingEngines
{
    /// <summary>Loads a folder's graphs.</summary>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    public static IEmbeddingEngine Load(ModelFolder folder, PreprocessorConfig images, ModelOptions options) =>
        folder.Manifest?.Layout switch
        {
            null => ExportedEmbeddingEngine.Load(folder, images, options),
            CpuLayout.Name => CpuEmbeddingEngine.Load(folder, options),
            var layout => throw new InvalidDataException($"layout {layout} has no engine"),
        };
}
