using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.ModelKit.Configuration;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Bench.Inference;

/// <summary>What transformers gives for the demo models: a folder with golden.json, golden.safetensors and images/.</summary>
internal sealed class DemoGolden : IDisposable
{
    private readonly string _folder;
    private readonly ImageDecoder _decoder = new(new DecodingOptions());
    private readonly Dictionary<(string Image, ResizePlan Plan), PreparedPixels> _prepared = [];

    public DemoGolden(string folder)
    {
        _folder = folder;
        Tensors = GoldenTensors.Read(Path.Combine(folder, "golden.safetensors"));
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden.json")));
        var root = json.RootElement;
        MadeWith = string.Join(", ", root.GetProperty("made_with").EnumerateObject().Select(entry => $"{entry.Name} {entry.Value.GetString()}"));
        Images = [.. root.GetProperty("images").EnumerateArray().Select(entry => entry.GetProperty("image").GetString()!)];
        Captions = [.. root.GetProperty("captions").EnumerateArray().GroupBy(Key).Select(ranks => DemoCaption.Read([.. ranks]))];
        Texts = [.. root.GetProperty("texts").EnumerateArray().Select(entry =>
            new DemoText(entry.GetProperty("k").GetInt32(), entry.GetProperty("text").GetString()!, Ids(entry.GetProperty("input_ids"))))];
    }

    /// <summary>The reference's versions.</summary>
    public string MadeWith { get; }

    public IReadOnlyList<string> Images { get; }

    public IReadOnlyList<DemoCaption> Captions { get; }

    public IReadOnlyList<DemoText> Texts { get; }

    public IReadOnlyDictionary<string, GoldenTensor> Tensors { get; }

    /// <summary>An image as the worker prepares it; stays this object's.</summary>
    public PreparedPixels Prepare(string image, IModel model)
    {
        var plan = model.Images!.Resize;
        if (!_prepared.TryGetValue((image, plan), out var pixels))
        {
            var bytes = File.ReadAllBytes(Path.Combine(_folder, "images", image));
            pixels = _decoder.DecodeAsync(bytes, [plan], CancellationToken.None).GetAwaiter().GetResult().Prepared[0];
            _prepared.Add((image, plan), pixels);
        }

        return pixels;
    }

    public static int[] Ids(JsonElement array) => [.. array.EnumerateArray().Select(id => id.GetInt32())];

    public void Dispose()
    {
        foreach (var pixels in _prepared.Values)
            pixels.Dispose();
        _decoder.Dispose();
    }

    private static string Key(JsonElement caption) => caption.GetProperty("image").GetString() + caption.GetProperty("params").GetRawText();
}

/// <summary>One call of generate(): its sequences, best first.</summary>
internal sealed record DemoCaption(string Image, GenerationParameters Parameters, IReadOnlyList<DemoSequence> Sequences)
{
    public static DemoCaption Read(IReadOnlyList<JsonElement> ranks)
    {
        var parameters = ranks[0].GetProperty("params");
        double Number(string name, double standard) => parameters.TryGetProperty(name, out var value) ? value.GetDouble() : standard;
        var early = parameters.TryGetProperty("early_stopping", out var stop) && stop.GetBoolean() ? EarlyStopping.Always : EarlyStopping.Heuristic;
        return new DemoCaption(
            ranks[0].GetProperty("image").GetString()!,
            new GenerationParameters(
                (int)Number("max_length", 32), (int)Number("min_length", 0), (int)Number("num_beams", 1), Number("length_penalty", 1), early,
                (int)Number("no_repeat_ngram_size", 0), Number("repetition_penalty", 1), (int)Number("num_return_sequences", 1)),
            [.. ranks.OrderBy(rank => rank.GetProperty("rank").GetInt32()).Select(DemoSequence.Read)]);
    }
}

/// <summary>A sequence: its tokens, padding left out, its text, and its score where it is of a beam search.</summary>
internal sealed record DemoSequence(int[] Tokens, string Text, double? Score)
{
    // The end token also pads: what follows the first one after the start is padding.
    private const int End = 0;

    public static DemoSequence Read(JsonElement json)
    {
        var ids = DemoGolden.Ids(json.GetProperty("token_ids"));
        var end = Array.IndexOf(ids, End, 1);
        var score = json.GetProperty("score");
        return new DemoSequence(
            end < 0 ? ids : ids[..(end + 1)], json.GetProperty("text").GetString()!, score.ValueKind == JsonValueKind.Number ? score.GetDouble() : null);
    }
}

/// <summary>A text and its token ids.</summary>
internal sealed record DemoText(int Number, string Text, int[] Ids);
