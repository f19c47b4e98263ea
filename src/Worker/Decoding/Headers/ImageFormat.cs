namespace VlWorker.Decoding.Headers;

/// <summary>The encodings that are read.</summary>
internal enum ImageFormat
{
    Jpeg,
    Png,
    Webp,
    Gif,
    Bmp,
}
