using System.Text.Json;
using VlWorker.Inference.Tokenizing;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Tokenizing;

/// <summary>SigLIP 2 with the tokenizer classes that its folders name: Gemma's keeps capitals, its own makes them small.</summary>
public sealed class Siglip2TokenizerTests
{
    [Theory]
    [InlineData("siglip2", "GemmaTokenizer", false)]
    [InlineData("siglip2", "Siglip2Tokenizer", true)]
    [InlineData("siglip2-naflex", "Siglip2TokenizerFast", true)]
    public void Texts_give_the_ids_of_the_class(string fixture, string tokenizerClass, bool lowercased)
    {
        var folder = ModelFolders.CopyWithout(FixtureArchive.Extract(fixture));
        try
        {
            ModelFolders.Change(folder, "tokenizer_config.json", config => config["tokenizer_class"] = tokenizerClass);
            var tokenizer = HubTokenizer.Load(folder);
            using var golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FixtureArchive.Extract(fixture), "golden", "golden.json")));
            var different = 0;
            foreach (var text in golden.RootElement.GetProperty("texts").EnumerateArray())
            {
                var ids = text.GetProperty("input_ids");
                if (lowercased && text.TryGetProperty("lowercased_ids", out var others))
                    (ids, different) = (others, different + 1);
                // Padded to the context with zeros, which no text ends with.
                int[] expected = [.. ids.EnumerateArray().Select(id => id.GetInt32()).Reverse().SkipWhile(id => id == 0).Reverse()];
                Assert.Equal(expected, tokenizer.EncodeTruncated(text.GetProperty("text").GetString()!, 64).Ids);
            }

            Assert.True(!lowercased || different >= 5);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
