using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>What every beam search of some width starts from, in one block: offsets in bytes.</summary>
/// <param name="capacity">Images at most.</param>
/// <param name="beams">Beams of an image.</param>
internal sealed class BeamConstants(int capacity, int beams)
{
    /// <summary>[images, beams] of int64: the start token.</summary>
    public const int Start = 0;

    /// <summary>[images, 1] of int64: image * beams.</summary>
    public nint FirstBeams => Round(Start + ((nint)capacity * beams * sizeof(long)));

    /// <summary>[beams * 2 * beams] of int64: candidate / (2 * beams).</summary>
    public nint Owners => Round(FirstBeams + ((nint)capacity * sizeof(long)));

    /// <summary>[1] of int64.</summary>
    public nint EndToken => Round(Owners + ((nint)2 * beams * beams * sizeof(long)));

    /// <summary>[images, beams] of float32: nothing for the first beam, everything against the others.</summary>
    public nint Scores => Round(EndToken + sizeof(long));

    /// <summary>Bytes in all.</summary>
    public long Bytes => Round(Scores + ((nint)capacity * beams * sizeof(float)));

    /// <summary>Writes all of it.</summary>
    public void Write(PinnedBuffer host, GenerationTokens tokens, float never)
    {
        host.Span<long>(Start, capacity * beams).Fill(tokens.Prompt[0]);
        var first = host.Span<long>(FirstBeams, capacity);
        for (var i = 0; i < first.Length; i++)
            first[i] = (long)i * beams;
        var owners = host.Span<long>(Owners, 2 * beams * beams);
        for (var i = 0; i < owners.Length; i++)
            owners[i] = i / (2 * beams);
        // A model without an end token ends by length alone.
        host.Span<long>(EndToken, 1)[0] = tokens.End.Count == 0 ? -1 : tokens.End[0];
        var scores = host.Span<float>(Scores, capacity * beams);
        for (var i = 0; i < scores.Length; i++)
            scores[i] = i % beams == 0 ? 0 : never;
    }

    // Tensors begin where the GPU reads fastest.
    private static nint Round(nint offset) => (offset + 255) / 256 * 256;
}
