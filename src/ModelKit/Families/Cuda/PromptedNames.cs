namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>What an encoder of image and prompt takes, for CUDA; what comes out of it is a captioner's.</summary>
internal static class PromptedNames
{
    /// <summary>The image tower's output and the encoder's input, [images, tokens, D].</summary>
    public const string Features = "features";

    /// <summary>The prompt, int64 [images, length].</summary>
    public const string Prompt = "prompt_ids";
}
