namespace VlWorker.Inference.Generation;

/// <summary>Which images' hidden states a decoding batch works on.</summary>
/// <param name="Images">Images.</param>
/// <param name="Positions">Positions of each.</param>
/// <param name="Size">Floats a position.</param>
/// <param name="First">The first image's place in the memory.</param>
/// <param name="Shared">One image, shared by all rows of the batch.</param>
internal readonly record struct HiddenStates(int Images, int Positions, int Size, int First = 0, bool Shared = false)
{
    /// <summary>Bytes an image.</summary>
    public long ImageBytes => (long)Positions * Size * sizeof(float);

    /// <summary>One of the images, for all rows of a batch.</summary>
    public HiddenStates Single(int index) => new(1, Positions, Size, First + index, true);
}
