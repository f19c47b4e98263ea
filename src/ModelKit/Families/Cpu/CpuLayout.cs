namespace VlWorker.ModelKit.Families.Cpu;

/// <summary>How the graphs for the CPU are called, as the manifest names it: the engine that knows the layout runs them.</summary>
internal static class CpuLayout
{
    /// <summary>The layout's name. It changes whenever an engine that knows the old one could not run the graphs.</summary>
    public const string Name = "cpu-1";

    /// <summary>What the image tower gives to an encoder of image and prompt, float [batch, tokens, D].</summary>
    public const string Features = "features";

    /// <summary>That encoder's prompt, int64 [batch, length].</summary>
    public const string Prompt = "input_ids";

    /// <summary>A captioner's encoder, or that of image and prompt.</summary>
    public const string Encoder = "encoder";

    /// <summary>One step of a captioner's decoder.</summary>
    public const string Decoder = "decoder";

    /// <summary>Embeddings of tokens, for a decoder that takes them.</summary>
    public const string Embeddings = "embeddings";

    /// <summary>An image tower.</summary>
    public const string Vision = "vision";

    /// <summary>A text tower.</summary>
    public const string Text = "text";
}
