using Microsoft.ML.OnnxRuntime;

namespace VlWorker.Worker.Tests.Models.Quantizing;

/// <summary>Logits of a merged decoder: of a first step over some tokens, and of a further step after its cache.</summary>
internal static class DecoderSteps
{
    private const string Past = "past_key_values.";
    private static readonly int[] Tokens = [50256, 11, 257, 640];

    /// <summary>Runs both branches.</summary>
    public static (float[] First, float[] Next) Run(string path)
    {
        using var session = new InferenceSession(path);
        var width = session.InputMetadata["encoder_hidden_states"].Dimensions[^1];
        var random = new Random(1);
        using var hidden = OrtValue.CreateTensorValueFromMemory(Enumerable.Range(0, 5 * width).Select(_ => (random.NextSingle() * 2) - 1).ToArray(), [1, 5, width]);
        using var feeds = new DecoderFeeds(hidden, Tokens);
        using var options = new RunOptions();
        var caches = session.InputMetadata.Keys.Where(name => name.StartsWith(Past, StringComparison.Ordinal)).ToList();
        string[] outputs = ["logits", .. caches.Select(name => "present." + name[Past.Length..])];
        using var first = session.Run(options, feeds.First(session.InputMetadata, Tokens.Length - 1), outputs);
        using var next = session.Run(options, feeds.Next(session.InputMetadata, caches.Zip(first.Skip(1))), ["logits"]);
        return (first[0].GetTensorDataAsSpan<float>().ToArray(), next[0].GetTensorDataAsSpan<float>().ToArray());
    }

    /// <summary>Error of the whole, relative to its length.</summary>
    public static double Error(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        return Math.Sqrt(expected.Zip(found, (a, b) => Math.Pow(a - b, 2)).Sum() / expected.Sum(a => Math.Pow(a, 2)));
    }
}
