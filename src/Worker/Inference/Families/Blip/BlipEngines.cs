using VlWorker.Inference.Families.Captioning;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.Blip;

/// <summary>Chooses the engine that knows a folder's graphs.</summary>
internal static class BlipEngines
{
    /// <summary>Loads a folder's graphs.</summary>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    /// <exception cref="NotSupportedException">The device is a GPU.</exception>
    public static ICaptionEngine Load(
        ModelFolder folder, PreprocessorConfig images, GenerationTokens tokens, ModelOptions options, DeviceSpec device) =>
        (device.Name.Kind, folder.Manifest?.Layout) switch
        {
            (DeviceKind.Cuda, _) => throw new NotSupportedException("blip runs on the processor alone: list it for device cpu"),
            (_, null) => ExportedCaptionEngine.Load(folder, images, tokens, options),
            (_, CpuLayout.Name) => CpuCaptionEngine.Load(folder, tokens, options),
            var (_, layout) => throw new InvalidDataException($"layout {layout} has no engine"),
        };
}
