using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.VisionEncoderDecoder;

/// <summary>Chooses the engine that knows a folder's graphs.</summary>
internal static class CaptionEngines
{
    /// <summary>Loads a folder's graphs.</summary>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    public static ICaptionEngine Load(
        ModelFolder folder, PreprocessorConfig images, GenerationTokens tokens, ModelOptions options, DeviceSpec device) =>
        (device.Name.Kind, folder.Manifest?.Layout) switch
        {
            (DeviceKind.Cuda, _) => throw new NotSupportedException("there is no engine for this family on a GPU"),
            (_, null) => ExportedCaptionEngine.Load(folder, images, tokens, options),
            (_, CpuLayout.Name) => CpuCaptionEngine.Load(folder, tokens, options),
            var (_, layout) => throw new InvalidDataException($"layout {layout} has no engine"),
        };
}
