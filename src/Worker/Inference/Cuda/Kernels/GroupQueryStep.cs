using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>
/// One token of each row attends to the row's tokens so far: of a decoder whose queries share keys and are rotated (<see cref="FusedNames.GroupQueryStep"/>),
/// or of one with as many keys as queries, a bias, and rows of the same length (<see cref="FusedNames.SelfAttentionStep"/>).
/// </summary>
internal sealed class GroupQueryStep : FusedKernel
{
    private const int ManyBlocksPerProcessor = 8;

    /// <summary>With rotations, a length a row.</summary>
    public static readonly FusedOperator Rotated = new(
        FusedNames.GroupQueryStep,
        [TensorType.Float16, TensorType.Float16, TensorType.Float16, TensorType.Int32, TensorType.Float16, TensorType.Float16],
        [TensorType.Float16, TensorType.Float16, TensorType.Float16],
        static attributes => new GroupQueryStep(attributes, rotated: true));

    /// <summary>With a bias, one length for all rows.</summary>
    public static readonly FusedOperator Biased = new(
        FusedNames.SelfAttentionStep,
        [TensorType.Float16, TensorType.Float16, TensorType.Float16, TensorType.Int64, TensorType.Float16],
        [TensorType.Float16, TensorType.Float16, TensorType.Float16],
        static attributes => new GroupQueryStep(attributes, rotated: false));

    private readonly (DeviceFunction Function, int Warps) _few;
    private readonly (DeviceFunction Function, int Warps) _many;
    private readonly bool _rotated;
    private readonly int _keyHeads;
    private readonly int _width;
    private readonly int _manyBlocks;
    private readonly float _scale;

    private GroupQueryStep(NodeAttributes attributes, bool rotated)
    {
        var (heads, size) = (attributes.Integer(FusedNames.Heads), attributes.Integer(FusedNames.Columns));
        (_rotated, _keyHeads, _scale) = (rotated, attributes.Integer(FusedNames.KeyHeads), attributes.Float(FusedNames.Scale) * BaseTwo);
        (_width, _manyBlocks) = (heads * size, DeviceFunction.Processors() * ManyBlocksPerProcessor);
        (DeviceFunction, int) Make(int warps) => (new DeviceFunction(
            "group_query_step", 0,
            ("KEY_HEADS", DeviceFunction.Text(_keyHeads)), ("GROUP", DeviceFunction.Text(heads / _keyHeads)), ("SIZE", DeviceFunction.Text(size)),
            ("WARPS", DeviceFunction.Text(warps)), ("ROTATE", rotated ? "1" : "0"), ("BIAS", rotated ? "0" : "1"), ("SAME_LENGTH", rotated ? "0" : "1")), warps);
        // A block's warps where there are many blocks, and where there are few: answers about images are longer than captions.
        _few = Make(rotated ? 2 : 1);
        try
        {
            _many = Make(rotated ? 8 : 2);
        }
        catch
        {
            _few.Function.Dispose();
            throw;
        }
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
        var (bias, cosines, sines) = _rotated ? (0UL, (ulong)context.Input(4), (ulong)context.Input(5)) : ((ulong)context.Input(4), 0UL, 0UL);
        var (function, warps) = rows * _keyHeads >= _manyBlocks ? _few : _many;
        function.Launch(
            context.Stream, (_keyHeads, rows, 1), warps * 32,
            (ulong)context.Input(0), bias, (ulong)keys, (ulong)values, (ulong)context.Input(3), cosines, sines, (ulong)result,
            (ulong)cache[2], DeviceFunction.Argument(_scale));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _few.Function.Dispose();
        _many.Function.Dispose();
    }
}
