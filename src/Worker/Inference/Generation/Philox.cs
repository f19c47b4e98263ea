namespace VlWorker.Inference.Generation;

/// <summary>
/// The counter-based generator Philox4x32-10 (Salmon et al., SC 2011): a number is a function of seed and index alone, so that a row's numbers
/// do not depend on the rows beside it.
/// </summary>
internal static class Philox
{
    private const int Rounds = 10;
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;

    /// <summary>A number from 0 up to, and without, 1: 53 bits of the block with the counter (index, 0, 0, 0).</summary>
    /// <param name="seed">The key, as (low half, high half).</param>
    /// <param name="index">Which of the seed's numbers.</param>
    public static double Uniform(ulong seed, uint index)
    {
        var block = Block(index, 0, 0, 0, (uint)seed, (uint)(seed >> 32));
        return ((((ulong)block.A << 32) | block.B) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>One block of four numbers of 32 bits.</summary>
    public static (uint A, uint B, uint C, uint D) Block(uint a, uint b, uint c, uint d, uint key0, uint key1)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var (first, second) = ((ulong)Multiplier0 * a, (ulong)Multiplier1 * c);
            (a, b, c, d) = ((uint)(second >> 32) ^ b ^ key0, (uint)second, (uint)(first >> 32) ^ d ^ key1, (uint)first);
            unchecked
            {
                (key0, key1) = (key0 + Weyl0, key1 + Weyl1);
            }
        }

        return (a, b, c, d);
    }
}
