namespace VlWorker.Decoding.Formats;

/// <summary>RGBX pixels as little-endian numbers.</summary>
internal static class Colors
{
    /// <summary>A pixel; its fourth byte is zero.</summary>
    public static uint Pack(byte red, byte green, byte blue) => red | ((uint)green << 8) | ((uint)blue << 16);

    /// <summary>A grey pixel.</summary>
    public static uint Grey(byte level) => level * 0x010101u;

    /// <summary>256 colours: the given RGB triples, and for indices beyond them the grey of that level, as Pillow has it.</summary>
    public static uint[] Palette(ReadOnlySpan<byte> triples)
    {
        var palette = new uint[256];
        for (var i = 0; i < palette.Length; i++)
            palette[i] = (3 * i) + 2 < triples.Length ? Pack(triples[3 * i], triples[(3 * i) + 1], triples[(3 * i) + 2]) : Grey((byte)i);
        return palette;
    }
}
