namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>What goes between an image tower's graph for CUDA and that of an encoder of image and prompt; what comes out there is a captioner's.</summary>
internal static class PromptedNames
{
    /// <summary>The image tower's output and the encoder's input, [images, tokens, D].</summary>
    public const string Features = "features";

    /// <summary>The prompt, int64 [images, length].</summary>
    public const string Prompt = "prompt_ids";
}
