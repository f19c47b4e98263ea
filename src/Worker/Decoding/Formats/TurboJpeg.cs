using System.Runtime.InteropServices;
using VlWorker.Decoding.Headers;

namespace VlWorker.Decoding.Formats;

/// <summary>
/// Decodes JPEG through the system's libturbojpeg, where it is installed. Skia's Linux builds carry the same library without its vector code:
/// the bytes are equal, the time is about half.
/// </summary>
/// <remarks>
/// Functions and constants are those of turbojpeg.h, version 2.0 and later. The library decodes whole frames, so very large images stay
/// with Skia, which hands on bands. Whatever the library warns about is left to Skia too: one judge decides what is damaged.
/// </remarks>
internal static unsafe class TurboJpeg
{
    private const int PixelFormatRgbx = 2;
    private const int StopOnWarning = 8192;
    private const int AccurateDct = 4096;

    // Sampling factors that all versions upsample alike: 4:4:4, 4:2:2, 4:2:0, grey.
    private const int LastCommonSampling = 3;
    private const int LastPlainColorSpace = 2;

    private static readonly Functions? Library = Load();

    /// <summary>Whether the library is there.</summary>
    public static bool IsAvailable => Library is not null;

    /// <summary>Memory of a whole frame, which is handed on at once.</summary>
    public static long FrameBytes(ImageHeader header) => ((long)header.Width * header.Height * 4) + RowReader.Slack;

    /// <summary>Decodes an image and hands all its rows to <paramref name="sink"/>.</summary>
    /// <returns>False, and nothing handed on, where the image is better left to Skia.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> encoded, ImageHeader header, DecoderScratch scratch, RowSink sink)
    {
        var library = Library ?? throw new InvalidOperationException("libturbojpeg is not there.");
        var decoder = library.Create();
        if (decoder == 0)
            return false;
        var frame = scratch.Rent(FrameBytes(header));
        try
        {
            using var pinned = encoded.Pin();
            if (!Decode(library, decoder, (byte*)pinned.Pointer, encoded.Length, header, frame.Pointer))
                return false;
            sink(frame.Pointer, header.Width * 4, header.Height);
            return true;
        }
        finally
        {
            scratch.Return(frame);
            library.Destroy(decoder);
        }
    }

    private static bool Decode(Functions library, nint decoder, byte* bytes, int length, ImageHeader header, byte* pixels)
    {
        int width, height, sampling, colorSpace;
        return library.ReadHeader(decoder, bytes, new CULong((uint)length), &width, &height, &sampling, &colorSpace) == 0
            && (width, height) == (header.Width, header.Height)
            && sampling is >= 0 and <= LastCommonSampling
            && colorSpace is >= 0 and <= LastPlainColorSpace
            && library.Decompress(
                decoder, bytes, new CULong((uint)length), pixels, width, width * 4, height, PixelFormatRgbx, AccurateDct | StopOnWarning) == 0;
    }

    private static Functions? Load()
    {
        string[] names = OperatingSystem.IsWindows() ? ["turbojpeg.dll"]
            : OperatingSystem.IsMacOS() ? ["libturbojpeg.0.dylib", "libturbojpeg.dylib"] : ["libturbojpeg.so.0"];
        foreach (var name in names)
        {
            if (NativeLibrary.TryLoad(name, out var library) && Functions.Find(library) is { } functions)
                return functions;
        }

        return null;
    }

    private sealed class Functions
    {
        private readonly delegate* unmanaged<nint> _create;
        private readonly delegate* unmanaged<nint, int> _destroy;
        private readonly delegate* unmanaged<nint, byte*, CULong, int*, int*, int*, int*, int> _readHeader;
        private readonly delegate* unmanaged<nint, byte*, CULong, byte*, int, int, int, int, int, int> _decompress;

        private Functions(nint create, nint destroy, nint readHeader, nint decompress)
        {
            _create = (delegate* unmanaged<nint>)create;
            _destroy = (delegate* unmanaged<nint, int>)destroy;
            _readHeader = (delegate* unmanaged<nint, byte*, CULong, int*, int*, int*, int*, int>)readHeader;
            _decompress = (delegate* unmanaged<nint, byte*, CULong, byte*, int, int, int, int, int, int>)decompress;
        }

        public static Functions? Find(nint library) =>
            NativeLibrary.TryGetExport(library, "tjInitDecompress", out var create)
            && NativeLibrary.TryGetExport(library, "tjDestroy", out var destroy)
            && NativeLibrary.TryGetExport(library, "tjDecompressHeader3", out var readHeader)
            && NativeLibrary.TryGetExport(library, "tjDecompress2", out var decompress)
                ? new Functions(create, destroy, readHeader, decompress)
                : null;

        public nint Create() => _create();

        public void Destroy(nint decoder) => _destroy(decoder);

        public int ReadHeader(nint decoder, byte* bytes, CULong length, int* width, int* height, int* sampling, int* colorSpace) =>
            _readHeader(decoder, bytes, length, width, height, sampling, colorSpace);

        public int Decompress(nint decoder, byte* bytes, CULong length, byte* pixels, int width, int pitch, int height, int format, int flags) =>
            _decompress(decoder, bytes, length, pixels, width, pitch, height, format, flags);
    }
}
