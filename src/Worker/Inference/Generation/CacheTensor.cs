using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>One tensor of the cache, [rows, heads, positions, size].</summary>
/// <param name="Input">Its name going in.</param>
/// <param name="Output">Its name coming out.</param>
/// <param name="Cross">Keys or values of the image: computed once, never growing.</param>
/// <param name="Heads">Heads.</param>
/// <param name="Size">Elements a head.</param>
/// <param name="Type">Element type; the bytes are only moved here.</param>
internal sealed record CacheTensor(string Input, string Output, bool Cross, int Heads, int Size, TensorElementType Type)
{
    /// <summary>Positions, where the graph says so; else 0.</summary>
    public int Positions { get; init; }

    /// <summary>Bytes of a row at some number of positions.</summary>
    public long RowBytes(int positions) => OnnxSession.SizeOf(Type) * Heads * Size * positions;
}
