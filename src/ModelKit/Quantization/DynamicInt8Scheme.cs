using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization;

/// <summary>
/// Dynamic int8 in the nodes that ONNX Runtime fuses: DynamicQuantizeLinear, MatMulInteger (ConvInteger), Cast, Mul. Activations are
/// unsigned with one scale a run.
/// </summary>
internal sealed class DynamicInt8Scheme(DynamicInt8Options options) : IQuantizationScheme
{
    /// <inheritdoc/>
    public bool NeedsMicrosoftOperators => false;

    /// <inheritdoc/>
    public int LeastOpset => 11;

    /// <inheritdoc/>
    public void Rewrite(WeightSite site, NodeEmitter emitter)
    {
        switch (site.Operator)
        {
            case "Gather": IntegerEmbedding.Rewrite(site, emitter, options); break;
            case "Conv": Convolution(site, emitter); break;
            default: MatrixProduct(site, emitter); break;
        }
    }

    private void MatrixProduct(WeightSite site, NodeEmitter emitter)
    {
        var node = site.Node;
        var weight = Weight(site, emitter, options.PerChannel ? ScaleAxis.Column : ScaleAxis.Tensor);
        var input = Quantized(node.Input[0], emitter);
        var product = emitter.Add(node.Output[0], "MatMulInteger", [input[0], weight.Values, input[2], weight.Zeros]);
        Dequantize(site, emitter, product, input[1], weight.Scales, node.Input.Count > 2 && node.Input[2].Length > 0 ? node.Input[2] : null);
    }

    // ConvInteger has one zero point for all filters, so signed weights around 0 are the only ones with a scale each.
    private void Convolution(WeightSite site, NodeEmitter emitter)
    {
        var (node, dims) = (site.Node, site.Weight.Tensor.Dims.ToArray());
        var perFilter = options is { PerChannel: true, Signed: true };
        var (values, rows, columns) = site.Matrix();
        var matrix = new Lazy<IntegerMatrix>(() =>
            IntegerMatrix.Of(values, rows, columns, perFilter ? ScaleAxis.Row : ScaleAxis.Tensor, options.Signed, options.ReduceRange));
        long[] alongChannels = [1, rows, .. Enumerable.Repeat(1L, dims.Length - 2)];
        var integers = emitter.Constant(site.Weight, "conv_quantized", () => new Tensor(matrix.Value.Values.Type, dims, matrix.Value.Values.Bytes));
        var zero = emitter.Constant(
            site.Weight, "conv_zero_point", () => new Tensor(matrix.Value.Values.Type, [], matrix.Value.ZeroPoints.Bytes[..1]));
        var scales = emitter.Constant(site.Weight, "conv_scale", () =>
            perFilter ? new Tensor(ElementType.Float, alongChannels, matrix.Value.Scales.Bytes) : matrix.Value.Scales);
        var input = Quantized(node.Input[0], emitter);
        var product = emitter.Fresh($"{node.Output[0]}_convinteger");
        emitter.AddAs(product, "", "ConvInteger", [input[0], integers, input[2], zero]);
        emitter.Nodes[^1].Attribute.Add(node.Attribute);
        string? bias = null;
        if (node.Input.Count > 2 && node.Input[2].Length > 0)
        {
            var shape = emitter.Constant(site.Weight, "conv_bias_shape", () => Tensor.FromInt64([1, -1, .. alongChannels[2..]], [dims.Length]));
            bias = emitter.Add(node.Output[0], "Reshape", [node.Input[2], shape]);
        }

        Dequantize(site, emitter, product, input[1], scales, bias);
    }

    private static void Dequantize(WeightSite site, NodeEmitter emitter, string product, string inputScale, string scales, string? bias)
    {
        var output = site.Node.Output[0];
        var floats = emitter.Add(output, "Cast", [product], ("to", ElementType.Float));
        var scale = emitter.Add($"{output}_scale", "Mul", [inputScale, scales]);
        if (bias is null)
        {
            emitter.AddAs(output, "", "Mul", [floats, scale]);
            return;
        }

        var scaled = emitter.Add(output, "Mul", [floats, scale]);
        emitter.AddAs(output, "", "Add", [scaled, bias]);
    }

    private (string Values, string Scales, string Zeros) Weight(WeightSite site, NodeEmitter emitter, ScaleAxis axis)
    {
        var matrix = new Lazy<IntegerMatrix>(() =>
        {
            var (values, rows, columns) = site.Matrix();
            return IntegerMatrix.Of(values, rows, columns, axis, options.Signed, options.ReduceRange);
        });
        var form = site.Transposed ? "transposed_" : string.Empty;
        return (
            emitter.Constant(site.Weight, form + "quantized", () => matrix.Value.Values),
            emitter.Constant(site.Weight, form + "scale", () => matrix.Value.Scales),
            emitter.Constant(site.Weight, form + "zero_point", () => matrix.Value.ZeroPoints));
    }

    // Integers, scale, zero point. Query, key and value read the same input: it is quantised once.
    private static string[] Quantized(string value, NodeEmitter emitter) => emitter.Shared("dynamic", value, () =>
    {
        string[] outputs = [emitter.Fresh($"{value}_quantized"), emitter.Fresh($"{value}_scale"), emitter.Fresh($"{value}_zero_point")];
        var name = emitter.Fresh($"{value}_QuantizeLinear");
        emitter.Nodes.Add(new NodeProto { OpType = "DynamicQuantizeLinear", Name = name, Input = { value }, Output = { outputs } });
        return outputs;
    });
}
