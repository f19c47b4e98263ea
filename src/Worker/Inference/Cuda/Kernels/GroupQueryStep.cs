using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>One token of each row of a decoder whose queries share keys; see <see cref="FusedNames.GroupQueryStep"/>.</summary>
internal sealed class GroupQueryStep : FusedKernel
{
    // A block's warps where there are many blocks, and where there are few.
    private const int FewWarps = 2;
    private const int ManyWarps = 16;
    private const int ManyBlocksPerProcessor = 8;
    private const int Processors = 16;

    // In the kernel's exponent the base is 2.
    private const float BaseTwo = 1.44269504f;

    /// <summary>How ONNX Runtime knows it.</summary>
    public static readonly FusedOperator Operator = new(
        FusedNames.GroupQueryStep,
        [TensorType.Float16, TensorType.Float16, TensorType.Float16, TensorType.Int32, TensorType.Float16, TensorType.Float16],
        [TensorType.Float16, TensorType.Float16, TensorType.Float16],
        static attributes => new GroupQueryStep(attributes));

    private readonly DeviceFunction _few;
    private readonly DeviceFunction _many;
    private readonly int _keyHeads;
    private readonly int _width;
    private readonly int _manyBlocks;
    private readonly float _scale;

    private GroupQueryStep(NodeAttributes attributes)
    {
        var (heads, size) = (attributes.Integer(FusedNames.Heads), attributes.Integer(FusedNames.Columns));
        (_keyHeads, _scale) = (attributes.Integer(FusedNames.KeyHeads), attributes.Float(FusedNames.Scale) * BaseTwo);
        (_width, _manyBlocks) = (heads * size, DeviceFunction.Property(Processors) * ManyBlocksPerProcessor);
        DeviceFunction Make(int warps) => new(
            "group_query_step", 0,
            ("KEY_HEADS", DeviceFunction.Text(_keyHeads)), ("GROUP", DeviceFunction.Text(heads / _keyHeads)), ("SIZE", DeviceFunction.Text(size)),
            ("WARPS", DeviceFunction.Text(warps)));
        (_few, _many) = (Make(FewWarps), Make(ManyWarps));
    }

    /// <inheritdoc/>
    public override void Compute(RunContext context)
    {
        var (rows, cache) = (context.Shape(0)[0], context.Shape(1));
        var (keys, values) = (context.Input(1), context.Input(2));
        var result = context.Output(0, [rows, 1, _width]);
        if (context.Output(1, cache) != keys || context.Output(2, cache) != values)
            throw new InvalidOperationException("keys and values of all tokens must be where those before them are");
        if (rows == 0)
            return;
        var (function, warps) = rows * _keyHeads >= _manyBlocks ? (_few, FewWarps) : (_many, ManyWarps);
        function.Launch(
            context.Stream, (_keyHeads, rows, 1), warps * 32,
            (ulong)context.Input(0), (ulong)keys, (ulong)values, (ulong)context.Input(3), (ulong)context.Input(4), (ulong)context.Input(5), (ulong)result,
            (ulong)cache[2], DeviceFunction.Argument(_scale));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _few.Dispose();
        _many.Dispose();
    }
}
