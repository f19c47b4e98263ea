namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>How the graphs for CUDA are called, as the manifest names it: the engine that knows the layout runs them.</summary>
internal static class CudaLayout
{
    /// <summary>The layout's name. It changes whenever an engine that knows the old one could not run the graphs.</summary>
    public const string Name = "cuda-2";

    /// <summary>A captioner's encoder: what the decoder's steps read of the image.</summary>
    public const string Encoder = "encoder";

    /// <summary>One step of greedy search.</summary>
    public const string Greedy = "greedy_step";

    /// <summary>One step of beam search.</summary>
    public const string Beams = "beam_step";

    /// <summary>Whole prompts, up to the first token of the answer.</summary>
    public const string Prompt = "prompt";

    /// <summary>An image tower.</summary>
    public const string Vision = "vision";

    /// <summary>A text tower.</summary>
    public const string Text = "text";
}
