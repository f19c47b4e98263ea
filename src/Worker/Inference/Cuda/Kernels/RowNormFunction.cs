using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>What row_norm.cu takes the norm of.</summary>
internal enum RowNormTerms
{
    /// <summary>Rows, plus a vector.</summary>
    One,

    /// <summary>The sum of two, plus a vector.</summary>
    Sum,

    /// <summary>As <see cref="Sum"/>, which is written, too.</summary>
    WrittenSum,

    /// <summary>Rows as they are.</summary>
    Rows,
}

/// <summary>row_norm.cu, for rows of a node's number of columns.</summary>
internal sealed class RowNormFunction(NodeAttributes attributes, RowNormTerms terms) : IDisposable
{
    private const int Threads = 256;
    private const int Vector = 8;
    private const int MostLanes = 32;

    private readonly int _columns = attributes.Integer(FusedNames.Columns);
    private readonly DeviceFunction _function = new(
        "row_norm", 0, ("CHANNELS", DeviceFunction.Text(attributes.Integer(FusedNames.Columns))),
        ("SUM", terms is RowNormTerms.Sum or RowNormTerms.WrittenSum ? "1" : "0"), ("SHIFT", terms == RowNormTerms.Rows ? "0" : "1"),
        ("WHOLE", terms == RowNormTerms.WrittenSum ? "1" : "0"), ("EPSILON", DeviceFunction.Text(attributes.Float(FusedNames.Epsilon))));

    /// <summary>Queues it; pointers that the terms have no use for are not read.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="count">Values of all rows.</param>
    /// <param name="one">The rows.</param>
    /// <param name="other">What is added to them.</param>
    /// <param name="shift">[columns] of 32-bit floats.</param>
    /// <param name="norm">Gamma and beta, [columns] of 32-bit floats each.</param>
    /// <param name="sum">Receives the sum.</param>
    /// <param name="normed">Receives the norm; may be <paramref name="one"/>.</param>
    public void Launch(nint stream, long count, nint one, nint other, nint shift, (nint Gamma, nint Beta) norm, nint sum, nint normed)
    {
        var rows = count / _columns;
        var perBlock = Threads / Math.Min(MostLanes, _columns / Vector);
        if (rows > 0)
        {
            _function.Launch(
                stream, ((rows + perBlock - 1) / perBlock, 1, 1), Threads, (ulong)one, (ulong)other, (ulong)shift, (ulong)norm.Gamma, (ulong)norm.Beta, (ulong)sum,
                (ulong)normed, (ulong)rows);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _function.Dispose();
}
