using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Tests.Checkpoints;

/// <summary>Parameters as transformers stores them: the inverse of what is tested.</summary>
internal static class TransformersCheckpoint
{
    /// <summary>All tensors of a model by name.</summary>
    public static Dictionary<string, Tensor> Of(FamilyParameters parameters)
    {
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        if (parameters is ClipParameters clip)
            Clip(tensors, clip);
        else
            Captioner(tensors, (VisionEncoderDecoderParameters)parameters);
        return tensors;
    }

    /// <summary>Writes a folder's model.safetensors.</summary>
    public static void Write(string folder, IEnumerable<KeyValuePair<string, Tensor>> tensors) =>
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), [.. tensors.Select(entry => (entry.Key, entry.Value))]);

    private static void Captioner(Dictionary<string, Tensor> tensors, VisionEncoderDecoderParameters model)
    {
        Patches(tensors, model.Encoder, "encoder.embeddings.patch_embeddings.projection");
        tensors["encoder.embeddings.cls_token"] = Tensor.FromFloats(model.Encoder.ClassToken, [1, 1, model.Encoder.HiddenSize]);
        tensors["encoder.embeddings.position_embeddings"] =
            Tensor.FromFloats(model.Encoder.Positions.Values, [1, model.Encoder.Positions.Rows, model.Encoder.HiddenSize]);
        for (var i = 0; i < model.Encoder.Layers.Count; i++)
        {
            var (layer, at) = (model.Encoder.Layers[i], $"encoder.encoder.layer.{i}.");
            Norm(tensors, layer.Norm1, at + "layernorm_before");
            Torch(tensors, layer.Query, at + "attention.attention.query");
            Torch(tensors, layer.Key, at + "attention.attention.key");
            Torch(tensors, layer.Value, at + "attention.attention.value");
            Torch(tensors, layer.Output, at + "attention.output.dense");
            Norm(tensors, layer.Norm2, at + "layernorm_after");
            Torch(tensors, layer.Up, at + "intermediate.dense");
            Torch(tensors, layer.Down, at + "output.dense");
        }

        Norm(tensors, model.Encoder.FinalNorm, "encoder.layernorm");
        Gpt2(tensors, model.Decoder, "decoder.transformer.");
        if (model.Decoder.Head is { } head)
            tensors["decoder.lm_head.weight"] = Plain(head);
        if (model.EncoderToDecoder is { } between)
            Torch(tensors, between, "enc_to_dec_proj");
    }

    private static void Gpt2(Dictionary<string, Tensor> tensors, DecoderParameters decoder, string root)
    {
        tensors[root + "wte.weight"] = Plain(decoder.TokenEmbedding);
        tensors[root + "wpe.weight"] = Plain(decoder.Positions);
        for (var i = 0; i < decoder.Layers.Count; i++)
        {
            var (layer, at) = (decoder.Layers[i], $"{root}h.{i}.");
            Norm(tensors, layer.Norm1, at + "ln_1");
            Conv1D(tensors, at + "attn.c_attn", layer.Query, layer.Key, layer.Value);
            Conv1D(tensors, at + "attn.c_proj", layer.Output);
            Norm(tensors, layer.CrossNorm, at + "ln_cross_attn");
            Conv1D(tensors, at + "crossattention.q_attn", layer.CrossQuery);
            Conv1D(tensors, at + "crossattention.c_attn", layer.CrossKey, layer.CrossValue);
            Conv1D(tensors, at + "crossattention.c_proj", layer.CrossOutput);
            Norm(tensors, layer.Norm2, at + "ln_2");
            Conv1D(tensors, at + "mlp.c_fc", layer.Up);
            Conv1D(tensors, at + "mlp.c_proj", layer.Down);
        }

        Norm(tensors, decoder.FinalNorm, root + "ln_f");
    }

    private static void Clip(Dictionary<string, Tensor> tensors, ClipParameters model)
    {
        Patches(tensors, model.Vision, "vision_model.embeddings.patch_embedding");
        tensors["vision_model.embeddings.class_embedding"] = Tensor.FromFloats(model.Vision.ClassToken, [model.Vision.HiddenSize]);
        tensors["vision_model.embeddings.position_embedding.weight"] = Plain(model.Vision.Positions);
        Norm(tensors, model.Vision.PreNorm!, "vision_model.pre_layrnorm");
        Blocks(tensors, model.Vision.Layers, "vision_model.");
        Norm(tensors, model.Vision.FinalNorm, "vision_model.post_layernorm");
        Torch(tensors, new Linear(model.Vision.Projection!, null), "visual_projection");
        tensors["text_model.embeddings.token_embedding.weight"] = Plain(model.Text.TokenEmbedding);
        tensors["text_model.embeddings.position_embedding.weight"] = Plain(model.Text.Positions);
        Blocks(tensors, model.Text.Layers, "text_model.");
        Norm(tensors, model.Text.FinalNorm, "text_model.final_layer_norm");
        Torch(tensors, new Linear(model.Text.Projection, null), "text_projection");
    }

    private static void Blocks(Dictionary<string, Tensor> tensors, IReadOnlyList<EncoderLayer> layers, string root)
    {
        for (var i = 0; i < layers.Count; i++)
        {
            var (layer, at) = (layers[i], $"{root}encoder.layers.{i}.");
            Norm(tensors, layer.Norm1, at + "layer_norm1");
            Torch(tensors, layer.Query, at + "self_attn.q_proj");
            Torch(tensors, layer.Key, at + "self_attn.k_proj");
            Torch(tensors, layer.Value, at + "self_attn.v_proj");
            Torch(tensors, layer.Output, at + "self_attn.out_proj");
            Norm(tensors, layer.Norm2, at + "layer_norm2");
            Torch(tensors, layer.Up, at + "mlp.fc1");
            Torch(tensors, layer.Down, at + "mlp.fc2");
        }
    }

    private static void Patches(Dictionary<string, Tensor> tensors, VisionParameters vision, string name)
    {
        tensors[name + ".weight"] =
            Tensor.FromFloats(vision.PatchProjection.Transpose().Values, [vision.HiddenSize, 3, vision.PatchSize, vision.PatchSize]);
        if (vision.PatchBias is { } bias)
            tensors[name + ".bias"] = Tensor.FromFloats(bias, [bias.Length]);
    }

    private static void Torch(Dictionary<string, Tensor> tensors, Linear linear, string name)
    {
        tensors[name + ".weight"] = Plain(linear.Weight.Transpose());
        if (linear.Bias is { } bias)
            tensors[name + ".bias"] = Tensor.FromFloats(bias, [bias.Length]);
    }

    private static void Conv1D(Dictionary<string, Tensor> tensors, string name, params Linear[] parts)
    {
        var rows = Enumerable.Range(0, parts[0].Inputs).SelectMany(row => parts.SelectMany(part => part.Weight.Row(row).ToArray()));
        tensors[name + ".weight"] = Tensor.FromFloats([.. rows], [parts[0].Inputs, parts.Sum(part => part.Outputs)]);
        if (parts[0].Bias is not null)
            tensors[name + ".bias"] = Tensor.FromFloats([.. parts.SelectMany(part => part.Bias!)], [parts.Sum(part => part.Outputs)]);
    }

    private static void Norm(Dictionary<string, Tensor> tensors, LayerNorm norm, string name)
    {
        tensors[name + ".weight"] = Tensor.FromFloats(norm.Gamma, [norm.Gamma.Length]);
        tensors[name + ".bias"] = Tensor.FromFloats(norm.Beta, [norm.Beta.Length]);
    }

    private static Tensor Plain(Matrix matrix) => Tensor.FromFloats(matrix.Values, [matrix.Rows, matrix.Columns]);
}
