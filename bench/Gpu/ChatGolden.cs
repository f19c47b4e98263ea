using System.Text.Json;
using VlWorker.Bench.Inference;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Bench.Gpu;

/// <summary>The tiny SmolVLM's cases: questions about images, whole and cut, and the tokens that transformers gives.</summary>
internal sealed class ChatGolden : IDisposable
{
    private readonly ImageDecoder _decoder = new(new DecodingOptions());
    private readonly Dictionary<(string, bool), PreparedPixels> _images = [];

    /// <param name="folder">The fixture's.</param>
    /// <param name="plan">How the model sees an image.</param>
    public ChatGolden(string folder, ResizePlan plan)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden", "golden.json")));
        Cases = [.. json.RootElement.GetProperty("cases").EnumerateArray().Select(entry => Read(entry, folder, plan))];
    }

    /// <summary>All of them.</summary>
    public IReadOnlyList<ChatGoldenCase> Cases { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var pixels in _images.Values)
            pixels.Dispose();
        _decoder.Dispose();
    }

    private ChatGoldenCase Read(JsonElement json, string folder, ResizePlan plan)
    {
        var parameters = json.GetProperty("params");
        var input = new ImageInput(
            Tasks.Answer,
            Image(Path.Combine(folder, "golden", "images", json.GetProperty("image").GetString()!), plan, json.GetProperty("processor").GetProperty("do_image_splitting").GetBoolean()),
            new GenerationParameters(
                1 + parameters.GetProperty("max_new_tokens").GetInt32(), 0, parameters.GetProperty("num_beams").GetInt32(),
                parameters.GetProperty("length_penalty").GetDouble(),
                Early(parameters.GetProperty("early_stopping")),
                parameters.GetProperty("no_repeat_ngram_size").GetInt32(), parameters.GetProperty("repetition_penalty").GetDouble(), 1),
            json.GetProperty("prompt").GetString());
        return new ChatGoldenCase(
            json.GetProperty("id").GetInt32(), input, DemoGolden.Ids(json.GetProperty("token_ids")), json.GetProperty("input_ids").GetArrayLength());
    }

    private static EarlyStopping Early(JsonElement json) =>
        json.ValueKind == JsonValueKind.String ? EarlyStopping.Never : json.GetBoolean() ? EarlyStopping.Always : EarlyStopping.Heuristic;

    private PreparedPixels Image(string file, ResizePlan plan, bool split)
    {
        if (!_images.TryGetValue((file, split), out var pixels))
        {
            var asked = plan with { Tiling = plan.Tiling! with { Split = split } };
            pixels = _decoder.DecodeAsync(File.ReadAllBytes(file), [asked], CancellationToken.None).GetAwaiter().GetResult().Prepared[0];
            _images.Add((file, split), pixels);
        }

        return pixels;
    }
}

/// <summary>One case.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Input">What is asked.</param>
/// <param name="Tokens">What transformers gives, the prompt in front.</param>
/// <param name="Prompt">Tokens of the prompt.</param>
internal sealed record ChatGoldenCase(int Id, ImageInput Input, int[] Tokens, int Prompt);
