namespace VlWorker.ModelKit.Parameters;

/// <summary>All weights of a model, as 32-bit floats, under the names that transformers gives its parts. From here graphs are built.</summary>
/// <param name="Family">The family's name.</param>
internal abstract record FamilyParameters(string Family);

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

/// <summary>
/// SigLIP: as CLIP, but the image's vector is what a learned query finds among the patches, and the text's stands at the last position.
/// </summary>
/// <param name="Vision">The image tower, without a class token; its norm is applied to all patches.</param>
/// <param name="Pool">Makes one vector of the patches.</param>
/// <param name="Text">The text tower; <see cref="TextParameters.Projection"/> is <c>head.weight</c>.</param>
/// <param name="TextBias"><c>head.bias</c>.</param>
internal sealed record SiglipParameters(VisionParameters Vision, AttentionPool Pool, TextParameters Text, float[] TextBias)
    : FamilyParameters(Vision.AnyGrid ? "siglip2" : "siglip");

/// <summary>DINOv2: an image tower alone, whose vector is the normed class token.</summary>
/// <param name="Vision">The image tower; layer scales are part of the layers they scale.</param>
internal sealed record Dinov2Parameters(VisionParameters Vision) : FamilyParameters("dinov2");

/// <summary>Florence-2: DaViT makes tokens of an image, BART's encoder reads them and the prompt behind them, its decoder writes.</summary>
/// <param name="Vision">The image tower.</param>
/// <param name="Text">The text model.</param>
internal sealed record Florence2Parameters(DavitParameters Vision, BartParameters Text) : FamilyParameters("florence2");

/// <summary>BLIP's captioner.</summary>
/// <param name="Vision">The image encoder; its hidden states, normed, are what the decoder attends to.</param>
/// <param name="Text">The text decoder.</param>
internal sealed record BlipParameters(VisionParameters Vision, BertParameters Text) : FamilyParameters("blip");

/// <summary>BLIP's question answering: the question's states, which have seen the image, are what the decoder attends to.</summary>
/// <param name="Vision">The image encoder; its hidden states, normed, are what the question attends to.</param>
/// <param name="Question">Reads the question.</param>
/// <param name="Answer">The text decoder.</param>
internal sealed record BlipVqaParameters(VisionParameters Vision, BertEncoderParameters Question, BertParameters Answer) : FamilyParameters("blip-vqa");

/// <summary>Idefics3 and SmolVLM: features of an image among a text's tokens.</summary>
/// <param name="Type"><c>model_type</c> of config.json.</param>
/// <param name="Vision">The image tower, without a class token.</param>
/// <param name="Scale">Squares of so many by so many neighbouring patches become one feature.</param>
/// <param name="Connector">From the values of such a square, row by row, to the text's width.</param>
/// <param name="Text">The text model.</param>
internal sealed record Idefics3Parameters(string Type, VisionParameters Vision, int Scale, Linear Connector, LlamaParameters Text)
    : FamilyParameters(Type);
