using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning;
using VlWorker.Inference.Families.VisionEncoderDecoder.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.Cuda;

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
            (DeviceKind.Cuda, CudaLayout.Name) => CudaCaptionEngine.Load(
                CaptionGraphs.Of(folder, images, tokens), CudaSettings.For(device), CaptionGraphs.DefaultBeams(folder), CaptionGraphs.DefaultSteps(folder)),
            (DeviceKind.Cuda, _) => throw new NotSupportedException("the folder is not built for a GPU (vl-worker model convert --target cuda)"),
            (_, null) => ExportedCaptionEngine.Load(folder, images, tokens, options),
            (_, CpuLayout.Name) => CpuCaptionEngine.Load(folder, tokens, options),
            var (_, layout) => throw new InvalidDataException($"layout {layout} has no engine"),
        };
}
