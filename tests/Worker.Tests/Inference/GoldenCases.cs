using System.Text.Json;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.ModelKit.Configuration;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>What transformers gave for a fixture: cases, and its images prepared as the worker prepares them.</summary>
internal sealed class GoldenCases : IDisposable
{
    private readonly Dictionary<string, PreparedPixels> _images = [];

    public GoldenCases(string folder)
    {
        Folder = folder;
        var tensors = Path.Combine(folder, "golden", "golden.safetensors");
        Tensors = File.Exists(tensors) ? GoldenTensors.Read(tensors) : new Dictionary<string, GoldenTensor>();
        var plan = PreprocessorConfig.Load(folder).Resize;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(folder, "golden", "images")))
            _images[Path.GetFileNameWithoutExtension(file)] = TestImages.Prepare(file, plan);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden", "golden.json")));
        Captions = [.. json.RootElement.GetProperty("cases").EnumerateArray().Select(GoldenCaption.Read)];
        if (json.RootElement.TryGetProperty("texts", out var texts))
            Texts = [.. texts.EnumerateArray().Select(text => new GoldenText(
                text.GetProperty("k").GetInt32(), text.GetProperty("text").GetString()!,
                [.. text.GetProperty("input_ids").EnumerateArray().Select(id => id.GetInt32())]))];
    }

    public string Folder { get; }

    public IReadOnlyDictionary<string, GoldenTensor> Tensors { get; }

    public IReadOnlyList<GoldenCaption> Captions { get; }

    public IReadOnlyList<GoldenText> Texts { get; } = [];

    public IReadOnlyCollection<string> Images => _images.Keys;

    /// <summary>An image at the model's input size; stays this object's.</summary>
    public PreparedPixels Pixels(string stem) => _images[stem];

    public void Dispose()
    {
        foreach (var pixels in _images.Values)
            pixels.Dispose();
    }
}

/// <summary>A caption as transformers generated it.</summary>
internal sealed record GoldenCaption(
    int Id, string Image, GenerationParameters Parameters, int[] Tokens, string Text, double Score, int[]? SecondTokens, double? SecondScore)
{
    /// <summary>The prompt as a user writes it; null where there is none.</summary>
    public string? Prompt { get; init; }

    /// <summary>The tokens that transformers makes of it.</summary>
    public int[] InputIds { get; init; } = [];

    public static GoldenCaption Read(JsonElement json)
    {
        var parameters = json.GetProperty("params");
        var beams = parameters.GetProperty("num_beams").GetInt32();
        var tokens = Ids(json.GetProperty("token_ids"));
        var input = Ids(json.GetProperty("input_ids"));
        // A decoder that goes on from the prompt has it in front.
        var given = tokens.AsSpan().StartsWith(input) ? input.Length : 1;
        var second = json.TryGetProperty("token_ids_2nd", out var ids) && ids.ValueKind == JsonValueKind.Array ? Ids(ids) : null;
        var early = parameters.GetProperty("early_stopping");
        return new GoldenCaption(
            json.GetProperty("id").GetInt32(),
            json.GetProperty("stem").GetString()!,
            new GenerationParameters(
                1 + parameters.GetProperty("max_new_tokens").GetInt32(),
                parameters.GetProperty("min_new_tokens") is { ValueKind: JsonValueKind.Number } minimum ? 1 + minimum.GetInt32() : 0,
                beams,
                parameters.GetProperty("length_penalty").GetDouble(),
                early.ValueKind == JsonValueKind.String ? EarlyStopping.Never : early.GetBoolean() ? EarlyStopping.Always : EarlyStopping.Heuristic,
                parameters.GetProperty("no_repeat_ngram_size").GetInt32(),
                parameters.GetProperty("repetition_penalty").GetDouble(),
                second is null ? 1 : 2),
            tokens,
            json.GetProperty("text").GetString()!,
            beams > 1 ? json.GetProperty("score").GetDouble() : json.GetProperty("sum_logprob").GetDouble() / (tokens.Length - given),
            second,
            second is null ? null : json.GetProperty("score_2nd").GetDouble())
        {
            Prompt = json.GetProperty("prompt").GetString(),
            InputIds = input,
        };
    }

    private static int[] Ids(JsonElement array) => [.. array.EnumerateArray().Select(id => id.GetInt32())];
}

/// <summary>A text as transformers tokenised it.</summary>
internal sealed record GoldenText(int Number, string Text, int[] Ids);
