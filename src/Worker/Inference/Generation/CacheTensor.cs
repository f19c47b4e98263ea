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

    /// <summary>A tensor as a graph declares it.</summary>
    /// <param name="session">The graph.</param>
    /// <param name="input">Its name going in.</param>
    /// <param name="output">Its name coming out.</param>
    /// <param name="cross">Whether it is the image's.</param>
    /// <exception cref="InvalidDataException">It has not the dimensions of keys or values.</exception>
    public static CacheTensor Of(OnnxSession session, string input, string output, bool cross) =>
        session.Inputs[input] is { Dimensions: [_, > 0 and var heads, var positions, > 0 and var size] } tensor
            ? new CacheTensor(input, output, cross, heads, size, tensor.ElementDataType) { Positions = Math.Max(0, positions) }
            : throw new InvalidDataException($"input {input} of {session.Name} is not [rows, heads, positions, size] with known heads and size");

    /// <summary>Bytes of a row at some number of positions.</summary>
    public long RowBytes(int positions) => OnnxSession.SizeOf(Type) * Heads * Size * positions;
}
