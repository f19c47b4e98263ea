namespace VlWorker.ModelKit.Parameters;

/// <summary>y = x * Weight + Bias.</summary>
/// <param name="Weight">[in, out]: as GPT-2's Conv1D stores it, transposed to what torch.nn.Linear stores.</param>
/// <param name="Bias">[out]; null where the layer has none.</param>
internal sealed record Linear(Matrix Weight, float[]? Bias)
{
    /// <summary>Width of the input.</summary>
    public int Inputs => Weight.Rows;

    /// <summary>Width of the output.</summary>
    public int Outputs => Weight.Columns;

    /// <summary>y of one x.</summary>
    public float[] Apply(ReadOnlySpan<float> input)
    {
        var sums = new double[Outputs];
        for (var row = 0; row < input.Length; row++)
        {
            var values = Weight.Row(row);
            for (var i = 0; i < values.Length; i++)
                sums[i] += (double)input[row] * values[i];
        }

        return [.. sums.Select((sum, i) => (float)(sum + (Bias?[i] ?? 0)))];
    }

    /// <summary>A part of the output: neighbouring columns.</summary>
    public Linear ColumnRange(int first, int count) => new(Weight.ColumnRange(first, count), Bias?.AsSpan(first, count).ToArray());

    /// <summary>The layer with each of its outputs multiplied by a factor of its own.</summary>
    public Linear Scale(float[] factors)
    {
        var values = (float[])Weight.Values.Clone();
        for (var i = 0; i < values.Length; i++)
            values[i] *= factors[i % Outputs];
        return new Linear(new Matrix(Inputs, Outputs, values), Bias?.Select((value, i) => value * factors[i]).ToArray());
    }

    /// <summary>The layer with its output multiplied.</summary>
    public Linear Scale(float factor) => factor == 1 ? this : new(
        new Matrix(Weight.Rows, Weight.Columns, Array.ConvertAll(Weight.Values, value => value * factor)),
        Bias is null ? null : Array.ConvertAll(Bias, value => value * factor));
}

/// <summary>y = (x - mean) / sqrt(variance + Epsilon) * Gamma + Beta over the last axis.</summary>
/// <param name="Gamma">[width]; transformers' <c>weight</c>.</param>
/// <param name="Beta">[width]; transformers' <c>bias</c>.</param>
/// <param name="Epsilon">Added to the variance.</param>
internal sealed record LayerNorm(float[] Gamma, float[] Beta, float Epsilon);

/// <summary>
/// A block with the norms in front, as in ViT and CLIP: x += Output(attention(Norm1(x))), x += Down(activation(Up(Norm2(x)))).
/// Attention is softmax(q * k / sqrt(HeadSize)) * v.
/// </summary>
/// <param name="Norm1">Before the attention: <c>layernorm_before</c> (ViT), <c>layer_norm1</c> (CLIP).</param>
/// <param name="Query">[D, Heads * HeadSize].</param>
/// <param name="Key">[D, Heads * HeadSize].</param>
/// <param name="Value">[D, Heads * HeadSize].</param>
/// <param name="Output">[Heads * HeadSize, D].</param>
/// <param name="Norm2">Before the feed-forward part: <c>layernorm_after</c> (ViT), <c>layer_norm2</c> (CLIP).</param>
/// <param name="Up">[D, inner]: <c>intermediate.dense</c> (ViT), <c>mlp.fc1</c> (CLIP).</param>
/// <param name="Down">[inner, D]: <c>output.dense</c> (ViT), <c>mlp.fc2</c> (CLIP).</param>
/// <param name="Heads">Heads of this layer; pruning may have removed some, so layers can differ.</param>
/// <param name="HeadSize">Width of a head.</param>
internal sealed record EncoderLayer(
    LayerNorm Norm1,
    Linear Query,
    Linear Key,
    Linear Value,
    Linear Output,
    LayerNorm Norm2,
    Linear Up,
    Linear Down,
    int Heads,
    int HeadSize)
{
    /// <summary>Whether the norms stand behind the parts instead, as in BART: x = Norm1(x + Output(attention(x))), x = Norm2(x + ...).</summary>
    public bool NormsBehind { get; init; }
}

/// <summary>
/// A GPT-2 block with cross attention: causal self attention, attention to the encoder's states, feed-forward part, each with its norm in front.
/// </summary>
/// <param name="Norm1">Before the self attention: <c>ln_1</c>.</param>
/// <param name="Query">[D, Heads * HeadSize]: the first third of <c>attn.c_attn</c>.</param>
/// <param name="Key">[D, Heads * HeadSize]: the second third.</param>
/// <param name="Value">[D, Heads * HeadSize]: the last third.</param>
/// <param name="Output">[Heads * HeadSize, D]: <c>attn.c_proj</c>.</param>
/// <param name="CrossNorm">Before the cross attention: <c>ln_cross_attn</c>.</param>
/// <param name="CrossQuery">[D, CrossHeads * HeadSize]: <c>crossattention.q_attn</c>.</param>
/// <param name="CrossKey">[D, CrossHeads * HeadSize], applied to the encoder's states: the first half of <c>crossattention.c_attn</c>.</param>
/// <param name="CrossValue">[D, CrossHeads * HeadSize], applied to the encoder's states: the second half.</param>
/// <param name="CrossOutput">[CrossHeads * HeadSize, D]: <c>crossattention.c_proj</c>.</param>
/// <param name="Norm2">Before the feed-forward part: <c>ln_2</c>.</param>
/// <param name="Up">[D, inner]: <c>mlp.c_fc</c>.</param>
/// <param name="Down">[inner, D]: <c>mlp.c_proj</c>.</param>
/// <param name="Heads">Heads of this layer's self attention.</param>
/// <param name="CrossHeads">Heads of this layer's cross attention.</param>
/// <param name="HeadSize">Width of a head.</param>
internal sealed record DecoderLayer(
    LayerNorm Norm1,
    Linear Query,
    Linear Key,
    Linear Value,
    Linear Output,
    LayerNorm CrossNorm,
    Linear CrossQuery,
    Linear CrossKey,
    Linear CrossValue,
    Linear CrossOutput,
    LayerNorm Norm2,
    Linear Up,
    Linear Down,
    int Heads,
    int CrossHeads,
    int HeadSize)
{
    /// <summary>Whether the norms stand behind the parts instead, as in BART.</summary>
    public bool NormsBehind { get; init; }
}

/// <summary>
/// SigLIP's <c>head</c>: one attention of a learned query to all positions, x = Output(attention(Query, Key(states), Value(states))), then
/// x += Down(activation(Up(Norm(x)))).
/// </summary>
/// <param name="Query">[D]: the learned <c>probe</c>, projected; without the scale 1 / sqrt(width of a head).</param>
/// <param name="Key">[D, D].</param>
/// <param name="Value">[D, D].</param>
/// <param name="Output">[D, D].</param>
/// <param name="Norm"><c>layernorm</c>.</param>
/// <param name="Up">[D, inner].</param>
/// <param name="Down">[inner, D].</param>
/// <param name="Heads">Heads.</param>
internal sealed record AttentionPool(float[] Query, Linear Key, Linear Value, Linear Output, LayerNorm Norm, Linear Up, Linear Down, int Heads);
