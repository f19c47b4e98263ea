using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace VlWorker.Worker.Tests.Models.Quantizing;

/// <summary>Inputs for an exported decoder from a caption's tokens; owns what it makes.</summary>
internal sealed class DecoderFeeds(OrtValue hidden, int[] tokens) : IDisposable
{
    private readonly List<OrtValue> _owned = [];

    /// <summary>The first tokens, with an empty cache where the graph declares one.</summary>
    public Dictionary<string, OrtValue> First(IReadOnlyDictionary<string, NodeMetadata> inputs, int count)
    {
        var feeds = Plain(inputs, tokens.AsSpan(0, count), 0);
        foreach (var (name, input) in inputs.Where(input => input.Key.StartsWith("past_key_values.", StringComparison.Ordinal)))
            feeds[name] = Own(OrtValue.CreateTensorValueFromMemory(Array.Empty<float>(), [1, input.Dimensions[1], 0, input.Dimensions[3]]));
        return feeds;
    }

    /// <summary>The last token, with the cache of those before it.</summary>
    public Dictionary<string, OrtValue> Next(IReadOnlyDictionary<string, NodeMetadata> inputs, IEnumerable<(string Name, OrtValue Value)> cache)
    {
        var feeds = Plain(inputs, tokens.AsSpan(tokens.Length - 1), tokens.Length - 1);
        foreach (var (name, value) in cache)
            feeds[name] = value;
        return feeds;
    }

    /// <inheritdoc/>
    public void Dispose() => _owned.ForEach(value => value.Dispose());

    private Dictionary<string, OrtValue> Plain(IReadOnlyDictionary<string, NodeMetadata> inputs, ReadOnlySpan<int> ids, int past)
    {
        var feeds = new Dictionary<string, OrtValue>(StringComparer.Ordinal);
        foreach (var (name, input) in inputs)
        {
            var value = name switch
            {
                "input_ids" => Integers(input, [.. ids.ToArray().Select(id => (long)id)]),
                "attention_mask" => Integers(input, [.. Enumerable.Repeat(1L, past + ids.Length)]),
                "position_ids" => Integers(input, [.. Enumerable.Range(past, ids.Length).Select(position => (long)position)]),
                "encoder_attention_mask" => Integers(input, [.. Enumerable.Repeat(1L, (int)hidden.GetTensorTypeAndShape().Shape[1])]),
                "use_cache_branch" => Own(OrtValue.CreateTensorValueFromMemory(new[] { past > 0 }, [1])),
                "encoder_hidden_states" => hidden,
                _ => null,
            };
            if (value is not null)
                feeds.Add(name, value);
        }

        return feeds;
    }

    private OrtValue Integers(NodeMetadata input, long[] values) => Own(input.ElementDataType == TensorElementType.Int32
        ? OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (int)value), [1, values.Length])
        : OrtValue.CreateTensorValueFromMemory(values, [1, values.Length]));

    private OrtValue Own(OrtValue value)
    {
        _owned.Add(value);
        return value;
    }
}
