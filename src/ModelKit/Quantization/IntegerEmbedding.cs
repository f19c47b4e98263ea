using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization;

/// <summary>Rows of an embedding as 8-bit integers: they are looked up first and turned into floats then.</summary>
internal static class IntegerEmbedding
{
    /// <summary>Puts nodes in the place of a Gather.</summary>
    public static void Rewrite(WeightSite site, NodeEmitter emitter, DynamicInt8Options options)
    {
        var (node, perRow) = (site.Node, options.PerChannel);
        var matrix = new Lazy<IntegerMatrix>(() =>
        {
            var (values, rows, columns) = site.Matrix();
            // A row's zero point would have to be looked up too: rows with scales of their own lie around 0.
            return IntegerMatrix.Of(values, rows, columns, perRow ? ScaleAxis.Row : ScaleAxis.Tensor, perRow || options.Signed, options.ReduceRange);
        });
        var integers = emitter.Constant(site.Weight, "rows_quantized", () => matrix.Value.Values);
        var rows = emitter.Add(node.Output[0], "Gather", [integers, node.Input[1]]);
        if (perRow)
        {
            var scales = emitter.Constant(site.Weight, "rows_scale",
                () => new Tensor(ElementType.Float, [matrix.Value.Scales.Count, 1], matrix.Value.Scales.Bytes));
            var floats = emitter.Add(node.Output[0], "Cast", [rows], ("to", ElementType.Float));
            var scale = emitter.Add($"{node.Output[0]}_scale", "Gather", [scales, node.Input[1]]);
            emitter.AddAs(node.Output[0], "", "Mul", [floats, scale]);
            return;
        }

        var tensorScale = emitter.Constant(site.Weight, "rows_scale", () => matrix.Value.Scales);
        var zero = emitter.Constant(site.Weight, "rows_zero_point", () => matrix.Value.ZeroPoints);
        emitter.AddAs(node.Output[0], "", "DequantizeLinear", [rows, tensorScale, zero]);
    }
}
