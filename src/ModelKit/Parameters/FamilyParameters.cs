namespace VlWorker.ModelKit.Parameters;

/// <summary>All weights of a model, as 32-bit floats, under the names that transformers gives its parts. From here graphs are built.</summary>
/// <param name="ModelType"><c>model_type</c> of config.json.</param>
internal abstract record FamilyParameters(string ModelType);

/// <summary>A captioner: ViT encoder, GPT-2 decoder.</summary>
/// <param name="Encoder">The image encoder; its hidden states, normed, are what the decoder attends to.</param>
/// <param name="Decoder">The text decoder.</param>
/// <param name="EncoderToDecoder"><c>enc_to_dec_proj</c> on the encoder's states, where the two widths differ; else null.</param>
internal sealed record VisionEncoderDecoderParameters(VisionParameters Encoder, DecoderParameters Decoder, Linear? EncoderToDecoder)
    : FamilyParameters("vision-encoder-decoder");

/// <summary>CLIP: images and texts into one space. Embeddings are not normalised by the graphs.</summary>
/// <param name="Vision">The image tower.</param>
/// <param name="Text">The text tower.</param>
internal sealed record ClipParameters(VisionParameters Vision, TextParameters Text) : FamilyParameters("clip");
