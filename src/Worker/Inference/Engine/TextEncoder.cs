using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace VlWorker.Inference.Engine;

/// <summary>How texts are brought to the one length that a text tower needs.</summary>
/// <param name="Length">Tokens.</param>
/// <param name="Token">What stands behind a text; the tower sees it as it sees any token.</param>
internal sealed record TextPadding(int Length, int Token);

/// <summary>A text tower: token ids in, one row of floats a text out.</summary>
internal sealed class TextEncoder : IDisposable
{
    private const string Ids = "input_ids";
    private const string Mask = "attention_mask";
    private const string Positions = "position_ids";

    private readonly OnnxSession _session;
    private readonly string _output;
    private readonly string[] _inputs;
    private readonly TensorElementType[] _types;
    private readonly TextPadding? _padding;

    /// <summary>Takes over a session.</summary>
    /// <param name="session">The graph.</param>
    /// <param name="padding">How texts are padded; null where any length will do.</param>
    /// <param name="outputs">Names of the wanted output, the preferred one first.</param>
    /// <exception cref="InvalidDataException">The graph is not of a layout known here.</exception>
    public TextEncoder(OnnxSession session, TextPadding? padding, params ReadOnlySpan<string> outputs)
    {
        _padding = padding;
        session.Expect(name => name is Ids or Mask or Positions);
        (_session, _output) = (session, session.FloatOutput(outputs));
        _inputs = [.. session.Inputs.Keys];
        _types = [.. _inputs.Select(name => session.InputType(name, TensorElementType.Int64, TensorElementType.Int32))];
        Size = session.Outputs[_output].Dimensions[^1] is > 0 and var size ? size
            : throw new InvalidDataException($"{session.Name} does not say how long its embeddings are");
    }

    /// <summary>Floats a text.</summary>
    public int Size { get; }

    /// <summary>
    /// Encodes texts. Without a padding of the tower's own the shorter ones are padded on the right by repeating their last token: the end token
    /// then still comes first at its old place, which is where such towers pool, and what follows it is hidden from it by the causal mask.
    /// </summary>
    /// <param name="texts">Token ids, none empty.</param>
    /// <param name="memory">Memory for the graph's inputs, one for each of at most three.</param>
    /// <param name="results">Receives [texts, <see cref="Size"/>].</param>
    /// <param name="chunk">Texts a run of the graph.</param>
    public void Encode(ReadOnlySpan<int[]> texts, TensorBuffer[] memory, TensorBuffer results, int chunk = int.MaxValue)
    {
        results.Reserve((long)texts.Length * Size * sizeof(float));
        for (var start = 0; start < texts.Length; start += Math.Min(chunk, texts.Length - start))
        {
            var part = texts.Slice(start, Math.Min(chunk, texts.Length - start));
            using var output = OnnxSession.TensorAt(results, (long)start * Size * sizeof(float), TensorElementType.Float, [part.Length, Size]);
            Run(part, memory, output);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    private void Run(ReadOnlySpan<int[]> texts, TensorBuffer[] memory, OrtValue output)
    {
        var length = _padding?.Length ?? 0;
        foreach (var text in texts)
            length = Math.Max(length, text.Length);
        var inputs = new OrtValue[_inputs.Length];
        try
        {
            for (var i = 0; i < inputs.Length; i++)
            {
                memory[i].Reserve((long)texts.Length * length * sizeof(long));
                Fill(_inputs[i], texts, length, memory[i], _types[i]);
                inputs[i] = OnnxSession.Tensor(memory[i], _types[i], texts.Length, length);
            }

            _session.Run(_inputs, inputs, [_output], [output]);
        }
        finally
        {
            foreach (var input in inputs)
                input?.Dispose();
        }
    }

    private void Fill(string name, ReadOnlySpan<int[]> texts, int length, TensorBuffer memory, TensorElementType type)
    {
        for (var row = 0; row < texts.Length; row++)
        {
            var text = texts[row];
            for (var i = 0; i < length; i++)
            {
                var value = name switch
                {
                    Ids => i >= text.Length && _padding is { } padding ? padding.Token : text[Math.Min(i, text.Length - 1)],
                    Mask => i < text.Length || _padding is not null ? 1 : 0,
                    _ => i,
                };
                var index = (row * length) + i;
                if (type == TensorElementType.Int64)
                    memory.Span<long>((long)index * sizeof(long), 1)[0] = value;
                else
                    memory.Span<int>((long)index * sizeof(int), 1)[0] = value;
            }
        }
    }
}
