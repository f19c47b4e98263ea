using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization;

/// <summary>
/// Weights of 4 or 8 bits in blocks: MatMulNBits for matrices, GatherBlockQuantized (4 bits) or integer rows (8 bits) for embeddings.
/// </summary>
internal sealed class WeightOnlyScheme(WeightOnlyOptions options) : IQuantizationScheme
{
    /// <inheritdoc/>
    public bool NeedsMicrosoftOperators => true;

    /// <inheritdoc/>
    public int LeastOpset => 11;

    /// <inheritdoc/>
    public void Rewrite(WeightSite site, NodeEmitter emitter)
    {
        if (site.Operator != "Gather")
            MatrixProduct(site, emitter);
        else if (options.Bits == 4)
            Embedding(site, emitter);
        else
            IntegerEmbedding.Rewrite(site, emitter, new DynamicInt8Options());
    }

    private void MatrixProduct(WeightSite site, NodeEmitter emitter)
    {
        var node = site.Node;
        var dims = site.Weight.Tensor.Dims;
        var (inputs, outputs) = site.Transposed ? (dims[1], dims[0]) : (dims[0], dims[1]);
        var matrix = new Lazy<BlockMatrix>(() =>
        {
            var (values, rows, columns) = site.Matrix();
            return BlockMatrix.Of(values, rows, columns, options);
        });
        var form = site.Transposed ? "transposed_" : string.Empty;
        List<string> operands =
        [
            node.Input[0],
            emitter.Constant(site.Weight, form + "blocks", () => matrix.Value.Values),
            emitter.Constant(site.Weight, form + "block_scales", () => matrix.Value.Scales),
        ];
        if (!options.Symmetric)
            operands.Add(emitter.Constant(site.Weight, form + "block_zero_points", () => matrix.Value.ZeroPoints!));
        var bias = node.Input.Count > 2 && node.Input[2].Length > 0 ? node.Input[2] : null;
        var product = bias is null ? node.Output[0] : emitter.Fresh($"{node.Output[0]}_matmulnbits");
        emitter.AddAs(
            product, GraphBuilder.MicrosoftDomain, "MatMulNBits", operands.ToArray(),
            ("K", inputs), ("N", outputs), ("bits", options.Bits), ("block_size", options.BlockSize), ("accuracy_level", options.AccuracyLevel));
        if (bias is not null)
            emitter.AddAs(node.Output[0], "", "Add", [product, bias]);
    }

    private void Embedding(WeightSite site, NodeEmitter emitter)
    {
        var dims = site.Weight.Tensor.Dims;
        var blocks = (dims[1] + options.BlockSize - 1) / options.BlockSize;
        var rows = new Lazy<BlockMatrix>(() =>
        {
            // A row's blocks lie along its columns: the embedding is taken as the transpose of a matrix [in, out].
            var (values, count, width) = site.Matrix();
            return BlockMatrix.Of(WeightSite.Transpose(values, count, width), width, count, options with { Symmetric = false });
        });
        var width = (int)dims[1];
        var data = emitter.Constant(site.Weight, "rows_blocks", () => EmbeddingBlocks.Values(rows.Value, width, options.BlockSize));
        var scales = emitter.Constant(site.Weight, "rows_block_scales",
            () => new Tensor(ElementType.Float, [dims[0], blocks], rows.Value.Scales.Bytes));
        var zeros = emitter.Constant(site.Weight, "rows_block_zero_points", () => EmbeddingBlocks.Zeros(rows.Value, (int)dims[0], (int)blocks));
        emitter.AddAs(
            site.Node.Output[0], GraphBuilder.MicrosoftDomain, "GatherBlockQuantized", [data, site.Node.Input[1], scales, zeros],
            ("gather_axis", 0), ("quantize_axis", 1), ("block_size", options.BlockSize));
    }
}
