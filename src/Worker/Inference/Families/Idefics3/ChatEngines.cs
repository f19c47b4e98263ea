using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>Picks the engine that runs a folder's graphs.</summary>
internal static class ChatEngines
{
    /// <summary>Loads a folder's graphs.</summary>
    /// <exception cref="InvalidDataException">They are not of a layout known here.</exception>
    /// <exception cref="NotSupportedException">The device can't run them.</exception>
    public static IChatEngine Load(
        ModelFolder folder, PreprocessorConfig images, int imageToken, GenerationTokens tokens, ModelOptions options, DeviceSpec device)
    {
        if (device.Name.Kind != DeviceKind.Cpu)
            throw new NotSupportedException($"{folder.Family.ModelType} runs on the processor only: there are no graphs for a GPU");
        return folder.Manifest?.Layout switch
        {
            null => ExportedChatEngine.Load(folder, images, imageToken, tokens, options),
            CpuLayout.Name => CpuChatEngine.Load(folder, images, imageToken, tokens, options),
            var layout => throw new InvalidDataException($"graphs of layout {layout} have no engine for {folder.Family.ModelType}"),
        };
    }
}
