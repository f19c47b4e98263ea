namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>Operators that graphs of 16-bit floats have beyond ONNX Runtime's own; the worker brings their kernels. Maps are [images, places, C], channels last.</summary>
internal static class FusedNames
{
    /// <summary>Their domain.</summary>
    public const string Domain = "vlworker";

    /// <summary>x [..., K], weight [K, C] and, of 32-bit floats, bias [C] to activation(x * weight + bias).</summary>
    public const string Linear = "Linear";

    /// <summary>As <see cref="Linear"/>, and a value [..., C]; to x * weight + bias + value.</summary>
    public const string SumLinear = "SumLinear";

    /// <summary>As <see cref="SumLinear"/>, and of 32-bit floats gamma and beta, [C] each; to the norm of that sum, and the sum.</summary>
    public const string NormLinear = "NormLinear";

    /// <summary>
    /// A map, and of 32-bit floats the weight of a depthwise convolution, [9, C], its bias, gamma and beta of a norm, [C] each; to the convolution, 3 x 3
    /// with borders of zeros, and its norm over the channels.
    /// </summary>
    public const string DepthwiseNorm = "DepthwiseNorm";

    /// <summary>As <see cref="DepthwiseNorm"/>, of the sum of two maps and a vector of 32-bit floats, [C].</summary>
    public const string SumDepthwiseNorm = "SumDepthwiseNorm";

    /// <summary>Rows [..., C], and of 32-bit floats a shift, gamma and beta, [C] each; to the norm of rows and shift.</summary>
    public const string RowNorm = "RowNorm";

    /// <summary>As <see cref="RowNorm"/>, of the sum of two and the shift.</summary>
    public const string SumRowNorm = "SumRowNorm";

    /// <summary>Rows that hold x and z side by side, [..., 2 C], to silu(x) * z.</summary>
    public const string GatedSilu = "GatedSilu";

    /// <summary>
    /// One token of each row: queries, keys and values before their rotation, [rows, 1, (heads + 2 * key heads) * D]; keys and values of the row's tokens
    /// before, [rows, key heads, capacity, D]; how many those are, int32 [rows]; cosines and sines, [positions, D / 2]. Outputs: what the attention
    /// gives, [rows, 1, heads * D], and keys and values with this token's, in the same memory.
    /// </summary>
    public const string GroupQueryStep = "GroupQueryStep";

    /// <summary>As <see cref="GroupQueryStep"/> without rotations; all rows have as many tokens before, int64 [1, 1]; and the bias of queries, keys and values.</summary>
    public const string SelfAttentionStep = "SelfAttentionStep";

    /// <summary>Queries, keys and values of windows' positions, [windows, positions, 3 * heads * D], to what each finds in its window, [windows, positions, heads * D].</summary>
    public const string WindowAttention = "WindowAttention";

    /// <summary>Queries [images, rows, heads * D] and states [images, positions, D], which are keys and values of all heads, to what queries find; and memory that a run needs.</summary>
    public const string LatentAttention = "LatentAttention";

    /// <summary>C or D.</summary>
    public const string Columns = "columns";

    /// <summary>Of a map.</summary>
    public const string Width = "width";

    /// <summary>Of a map.</summary>
    public const string Height = "height";

    /// <summary>Places of a window's side where what is added has its places window by window; 0 where it has them row by row.</summary>
    public const string InSide = "in_side";

    /// <summary>The same of the norm.</summary>
    public const string OutSide = "out_side";

    /// <summary>Of a window.</summary>
    public const string Positions = "positions";

    /// <summary>Heads of an attention.</summary>
    public const string Heads = "heads";

    /// <summary>1 where an attention goes through the images from the last to the first.</summary>
    public const string Reversed = "reversed";

    /// <summary>Heads of keys and values.</summary>
    public const string KeyHeads = "key_heads";

    /// <summary>What scores are multiplied by.</summary>
    public const string Scale = "scale";

    /// <summary>What becomes of a layer's sums: 0 nothing, 1 the GELU of erf, 2 that of tanh, 3 x * sigmoid(1.702 x).</summary>
    public const string Activation = "activation";

    /// <summary>K.</summary>
    public const string Depth = "depth";

    /// <summary>0 where a layer's bias is zeros.</summary>
    public const string Biased = "biased";

    /// <summary>Of a norm.</summary>
    public const string Epsilon = "epsilon";
}
