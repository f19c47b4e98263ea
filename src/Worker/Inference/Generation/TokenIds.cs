using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>Writes token ids as graphs want them.</summary>
internal static class TokenIds
{
    /// <summary>Writes the first tokens of prompts as [rows, length]; shorter prompts are filled up with token 0.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="length">Tokens a row.</param>
    /// <param name="padLeft">Whether shorter ones are filled up on the left; else on the right.</param>
    /// <param name="type">Type of an id.</param>
    /// <param name="ids">Receives them; grows as needed.</param>
    public static void Write(PromptBatch prompts, int length, bool padLeft, TensorElementType type, TensorBuffer ids)
    {
        ids.Reserve((long)prompts.Count * length * sizeof(long));
        for (var row = 0; row < prompts.Count; row++)
        {
            var prompt = prompts[row];
            var first = padLeft ? Math.Max(0, length - prompt.Count) : 0;
            for (var i = 0; i < length; i++)
                Write(ids, type, (row * length) + i, i >= first && i - first < prompt.Count ? prompt[i - first] : 0);
        }
    }

    /// <summary>Writes one id.</summary>
    public static void Write(TensorBuffer ids, TensorElementType type, int index, int token)
    {
        if (type == TensorElementType.Int64)
            ids.Span<long>((long)index * sizeof(long), 1)[0] = token;
        else
            ids.Span<int>((long)index * sizeof(int), 1)[0] = token;
    }
}
