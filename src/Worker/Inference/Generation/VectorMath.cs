using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace VlWorker.Inference.Generation;

/// <summary>The passes over a vocabulary's scores, vectorised. Infinities below are fine (banned tokens); NaN comes out as NaN.</summary>
internal static class VectorMath
{
    /// <summary>Index and value of the largest score, the first of equals. The value is NaN if there is a NaN.</summary>
    public static int ArgMax(ReadOnlySpan<float> scores, out float maximum)
    {
        var index = TensorPrimitives.IndexOfMax(scores);
        maximum = scores[index];
        return index;
    }

    /// <summary>log(sum(exp(x - maximum))), summed in float32 lanes.</summary>
    public static float LogSumExp(ReadOnlySpan<float> scores, float maximum)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(scores);
        var shift = new Vector<float>(maximum);
        var sums = Vector<float>.Zero;
        foreach (var vector in vectors)
            sums += Vector.Exp(vector - shift);
        var sum = Vector.Sum(sums);
        foreach (var score in scores[(vectors.Length * Vector<float>.Count)..])
            sum += MathF.Exp(score - maximum);
        return MathF.Log(sum);
    }

    /// <summary>x - maximum - log(sum(exp(x - maximum))), in place.</summary>
    /// <returns>False if the scores hold a NaN or nothing finite.</returns>
    public static bool LogSoftmax(Span<float> scores)
    {
        var maximum = TensorPrimitives.Max(scores);
        if (!float.IsFinite(maximum))
            return false;
        var logarithm = LogSumExp(scores, maximum);
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(scores);
        var first = new Vector<float>(maximum);
        var second = new Vector<float>(logarithm);
        foreach (ref var vector in vectors)
            vector = vector - first - second;
        foreach (ref var score in scores[(vectors.Length * Vector<float>.Count)..])
            score = score - maximum - logarithm;
        return true;
    }
}
