using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Clip;

/// <summary>Chooses the engine that knows a folder's graphs.</summary>
internal static class EmbeddingEngines
{
    /// <summary>Loads a folder's graphs.</summary>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    public static IEmbeddingEngine Load(ModelFolder folder, PreprocessorConfig images, ModelOptions options) =>
        ExportedEmbeddingEngine.Load(folder, images, options);
}
