namespace VlWorker.Decoding.Headers;

/// <summary>How stored pixels become the upright image: transposed first (rows become columns), then mirrored.</summary>
/// <param name="Transpose">Stored rows are columns of the upright image.</param>
/// <param name="MirrorX">The upright image's columns run from right to left.</param>
/// <param name="MirrorY">The upright image's rows run from bottom to top.</param>
internal readonly record struct Orientation(bool Transpose, bool MirrorX, bool MirrorY)
{
    /// <summary>Maps the value of EXIF's Orientation tag; anything outside 1-8 means upright, as readers agree.</summary>
    public static Orientation FromExif(int value) => value switch
    {
        2 => new(false, true, false),
        3 => new(false, true, true),
        4 => new(false, false, true),
        5 => new(true, false, false),
        6 => new(true, true, false),
        7 => new(true, true, true),
        8 => new(true, false, true),
        _ => default,
    };
}
