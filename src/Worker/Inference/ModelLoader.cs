using Microsoft.ML.OnnxRuntime;
using VlWorker.Contracts;
using VlWorker.Inference.Families.Blip;
using VlWorker.Inference.Families.BlipVqa;
using VlWorker.Inference.Families.Embedders;
using VlWorker.Inference.Families.Florence2;
using VlWorker.Inference.Families.Idefics3;
using VlWorker.Inference.Families.VisionEncoderDecoder;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference;

/// <summary>Loads a model folder: config.json's <c>model_type</c> and <c>architectures</c> pick the family.</summary>
internal static class ModelLoader
{
    // The engine would report usage to its maker; a worker talks to its broker and its store alone.
    static ModelLoader() => OrtEnv.Instance().DisableTelemetryEvents();

    /// <summary>Loads a model to run on the processor.</summary>
    /// <exception cref="ModelFolderException">The folder can't be used; all errors that can be found are named.</exception>
    public static IModel Load(ModelOptions options) => Load(options.Alias, options.Folder, options);

    /// <summary>Loads a model to run on the processor.</summary>
    /// <param name="alias">The name that requests and results call it by.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="options">How it runs; alias and folder in there are not looked at.</param>
    /// <exception cref="ModelFolderException">The folder can't be used; all errors that can be found are named.</exception>
    public static IModel Load(string alias, string folder, ModelOptions options)
    {
        var opened = ModelFolder.Open(folder, options.Precision);
        // Reading the files for the hash also brings them into the page cache, from where the engine reads them next.
        return Load(new ModelReference { Alias = alias, Revision = opened.ComputeRevision() }, opened, options, DeviceSpec.Cpu);
    }

    /// <summary>Loads a device's copy of a model.</summary>
    /// <param name="reference">What results call it, whichever copy they come from.</param>
    /// <param name="opened">Its files.</param>
    /// <param name="options">How it runs; alias and folder in there are not looked at.</param>
    /// <param name="device">What it runs on.</param>
    /// <exception cref="ModelFolderException">The folder can't be used; all errors that can be found are named.</exception>
    public static IModel Load(ModelReference reference, ModelFolder opened, ModelOptions options, DeviceSpec device)
    {
        try
        {
            var images = PreprocessorConfig.Load(opened.Path);
            return opened.Family.Name switch
            {
                "vision-encoder-decoder" => VisionEncoderDecoderModel.Load(reference, opened, images, options, device),
                "clip" or "siglip" or "siglip2" or "dinov2" => EmbedderModel.Load(reference, opened, images, options, device),
                "blip" => BlipModel.Load(reference, opened, images, options, device),
                "blip-vqa" => BlipVqaModel.Load(reference, opened, images, options, device),
                "florence2" => Florence2Model.Load(reference, opened, images, options, device),
                "idefics3" or "smolvlm" => Idefics3Model.Load(reference, opened, images, options, device),
                var name => throw new InvalidDataException($"a {name} has no engine"),
            };
        }
        catch (Exception error) when (error is InvalidDataException or NotSupportedException or OnnxRuntimeException or System.Text.Json.JsonException)
        {
            throw new ModelFolderException(opened.Path, [error.Message]);
        }
    }
}
