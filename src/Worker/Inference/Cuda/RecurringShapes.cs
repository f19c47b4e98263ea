namespace VlWorker.Inference.Cuda;

/// <summary>
/// Tells when a shape of batches that was not prepared is worth a recording: at its third run, since its kernels are chosen in the first and their memory
/// is taken in the second; and not without end, for a recording is never dropped.
/// </summary>
/// <param name="most">Shapes that are recorded so.</param>
internal sealed class RecurringShapes<TShape>(int most = 64)
    where TShape : struct
{
    private const int RunsBefore = 2;

    private readonly Dictionary<TShape, int> _runs = [];
    private int _recorded;

    /// <summary>Counts a run of a shape that is not recorded; true where it should be now.</summary>
    public bool IsDue(TShape shape)
    {
        if (_recorded >= most)
            return false;
        var runs = _runs.GetValueOrDefault(shape);
        if (runs < RunsBefore)
        {
            _runs[shape] = runs + 1;
            return false;
        }

        _recorded++;
        return true;
    }
}
