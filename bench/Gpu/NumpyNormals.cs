using System.Runtime.InteropServices;

namespace VlWorker.Bench.Gpu;

/// <summary>
/// numpy.random.Generator(PCG64(seed)).standard_normal(size, float32), bit for bit: so that a model of random weights is the same here and in Python.
/// SeedSequence fills the state of a permuted congruential generator (PCG XSL RR 128/64, M. O'Neill), a ziggurat of 256 layers makes normals of its bits.
/// </summary>
internal sealed partial class NumpyNormals
{
    private const float LastLayer = 3.6541528853610088f;
    private const double Edge = 3.6541528853610087963519472518;
    private const int Layers = 256;
    private const float InverseEdge = 0.27366123732975827f;
    private const double Mantissas = 8388608; // 23 bits
    private static readonly UInt128 Multiplier = new(2549297995355413924, 4865540595714422341);
    private static readonly (uint[] Inside, float[] Widths, float[] Heights) Table = MakeTable();

    private readonly UInt128 _increment;
    private UInt128 _state;
    private uint? _half;

    /// <param name="seed">What PCG64 is given.</param>
    public NumpyNormals(uint seed)
    {
        var words = SeedState(seed);
        _increment = (new UInt128(words[2], words[3]) << 1) | 1;
        Step();
        _state += new UInt128(words[0], words[1]);
        Step();
    }

    /// <summary>Fills an array with the next normals.</summary>
    public void Fill(Span<float> values)
    {
        for (var i = 0; i < values.Length; i++)
            values[i] = Next();
    }

    private float Next()
    {
        var (inside, widths, heights) = Table;
        while (true)
        {
            var bits = Next32();
            var layer = (int)(bits & 0xff);
            var magnitude = (bits >> 9) & 0x7fffff;
            var x = magnitude * widths[layer];
            if ((bits & 0x100) != 0)
                x = -x;
            if (magnitude < inside[layer])
                return x;
            if (layer == 0)
                return Tail(magnitude);
            if (((heights[layer - 1] - heights[layer]) * NextFloat()) + heights[layer] < Math.Exp(-0.5 * x * x))
                return x;
        }
    }

    private float Tail(uint magnitude)
    {
        while (true)
        {
            var x = -InverseEdge * LogOfComplement(NextFloat());
            var y = -LogOfComplement(NextFloat());
            if (y + y > x * x)
                return (magnitude & 0x100) != 0 ? -(LastLayer + x) : LastLayer + x;
        }
    }

    // The very function that numpy calls: others differ in the last bit.
    private static float LogOfComplement(float value) => Log1P(-value);

    [LibraryImport("libm.so.6", EntryPoint = "log1pf")]
    private static partial float Log1P(float value);

    private float NextFloat() => (Next32() >> 8) * (1f / 16777216f);

    private uint Next32()
    {
        if (_half is { } kept)
        {
            _half = null;
            return kept;
        }

        Step();
        var value = ulong.RotateRight((ulong)(_state >> 64) ^ (ulong)_state, (int)(ulong)(_state >> 122));
        _half = (uint)(value >> 32);
        return (uint)value;
    }

    private void Step() => _state = unchecked((_state * Multiplier) + _increment);

    // numpy's SeedSequence of one word: a pool of four, mixed, then hashed to eight.
    private static ulong[] SeedState(uint seed)
    {
        var pool = new uint[4];
        var constant = 0x43b0d7e5u;
        uint Hash(uint value)
        {
            value ^= constant;
            constant *= 0x931e8875;
            value *= constant;
            return value ^ (value >> 16);
        }

        for (var i = 0; i < pool.Length; i++)
            pool[i] = Hash(i == 0 ? seed : 0);
        for (var from = 0; from < pool.Length; from++)
        {
            for (var to = 0; to < pool.Length; to++)
            {
                if (from == to)
                    continue;
                var mixed = (0xca01f9ddu * pool[to]) - (0x4973f715u * Hash(pool[from]));
                pool[to] = mixed ^ (mixed >> 16);
            }
        }

        var words = new uint[8];
        var second = 0x8b51f9ddu;
        for (var i = 0; i < words.Length; i++)
        {
            var value = pool[i % 4] ^ second;
            second *= 0x58f38ded;
            value *= second;
            words[i] = value ^ (value >> 16);
        }

        return [.. Enumerable.Range(0, 4).Select(i => words[2 * i] | ((ulong)words[(2 * i) + 1] << 32))];
    }

    // Layers of equal area, from the narrowest at the top (1) to the base with the tail (0).
    private static (uint[] Inside, float[] Widths, float[] Heights) MakeTable()
    {
        var height = Math.Exp(-0.5 * Edge * Edge);
        var area = (Edge * height) + TailArea();
        var (inside, widths, heights) = (new uint[Layers], new float[Layers], new float[Layers]);
        inside[0] = (uint)Math.Round(Edge * height / area * Mantissas);
        (widths[0], heights[0]) = ((float)(area / height / Mantissas), 1);
        var x = Edge;
        for (var layer = Layers - 1; layer > 0; layer--)
        {
            var density = Math.Exp(-0.5 * x * x);
            (widths[layer], heights[layer]) = ((float)(x / Mantissas), (float)density);
            var narrower = layer == 1 ? 0 : Math.Sqrt(-2 * Math.Log((area / x) + density));
            inside[layer] = (uint)Math.Round(narrower / x * Mantissas);
            x = narrower;
        }

        return (inside, widths, heights);
    }

    // The integral of exp(-x * x / 2) beyond the last layer, as a continued fraction.
    private static double TailArea()
    {
        var fraction = Edge;
        for (var i = 200; i > 0; i--)
            fraction = Edge + (i / fraction);
        return Math.Exp(-0.5 * Edge * Edge) / fraction;
    }
}
