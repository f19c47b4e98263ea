namespace VlWorker.Inference.Generation;

/// <summary>Names of a decoder's inputs and outputs in the exports of Optimum and of transformers.js.</summary>
internal static class DecoderNames
{
    public const string Ids = "input_ids";
    public const string Embeddings = "inputs_embeds";
    public const string Hidden = "encoder_hidden_states";
    public const string HiddenMask = "encoder_attention_mask";
    public const string Mask = "attention_mask";
    public const string Positions = "position_ids";
    public const string UseCache = "use_cache_branch";
    public const string Logits = "logits";

    /// <summary>The inputs beside the cache.</summary>
    public static IReadOnlyList<string> Inputs { get; } = [Ids, Embeddings, Hidden, HiddenMask, Mask, Positions, UseCache];
}
