using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>A checkpoint folder of transformers, config.json and safetensors, read into the family's parameters.</summary>
internal static class CheckpointModel
{
    /// <summary>Reads all parameters.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="family">Its family.</param>
    /// <param name="config">Its config.json.</param>
    /// <exception cref="FileNotFoundException">The folder has no safetensors.</exception>
    /// <exception cref="InvalidDataException">A file is malformed; a tensor is missing, unknown or of the wrong shape; the message names it.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static FamilyParameters Read(string folder, ModelFamily family, JsonFile config)
    {
        using var checkpoint = Checkpoint.Open(folder);
        var weights = new WeightTable(checkpoint);
        return family.Name switch
        {
            "vision-encoder-decoder" => VisionEncoderDecoderWeights.Read(weights, config),
            "clip" => ClipWeights.Read(weights, config),
            "siglip" or "siglip2" => SiglipWeights.Read(weights, family, config),
            "dinov2" => Dinov2Weights.Read(weights, config),
            "florence2" => Florence2Weights.Read(weights, config, PreprocessorConfig.Load(folder).Resize),
            "blip" => BlipWeights.Read(weights, config),
            "blip-vqa" => BlipWeights.ReadVqa(weights, config),
            "idefics3" or "smolvlm" => Idefics3Weights.Read(weights, family, config),
            var type => throw new NotSupportedException($"checkpoints of {type} can't be converted"),
        };
    }
}
