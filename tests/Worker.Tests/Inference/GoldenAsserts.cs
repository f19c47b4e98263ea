using System.Security.Cryptography;
using System.Text.Json;
using VlWorker.Inference;
using VlWorker.Inference.Generation;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>Asserts that the worker gives what transformers gave.</summary>
internal static class GoldenAsserts
{
    /// <summary>Asserts that the images have the bytes that transformers resized them to.</summary>
    public static void CheckResizedBytes(this GoldenCases golden)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(golden.Folder, "golden", "resized.json")));
        var resized = json.RootElement.EnumerateObject().Where(image => golden.Images.Contains(image.Name)).ToList();
        // Pillow 12, with which some golden files were made, goes along the rows of a tall image first; 13 and the worker go along its columns.
        Assert.All(golden.Images.Except(resized.Select(image => image.Name)), missing => Assert.Equal("tall", missing));
        Assert.All(resized, image => Assert.Equal(
            image.Value.GetProperty("sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(golden.Pixels(image.Name).Rgb))));
    }

    /// <summary>Asserts that each row of a batch gives what it gives alone.</summary>
    public static void CheckRowsAreTheirOwn(this IModel model, IReadOnlyList<InferenceInput> rows)
    {
        var together = model.Run(rows, CancellationToken.None);
        for (var i = 0; i < rows.Count; i++)
        {
            var (alone, company) = (Best(model.Run([rows[i]], CancellationToken.None)[0]), Best(together[i]));
            Assert.Equal(alone.TokenIds, company.TokenIds);
            Assert.Equal(alone.Score, company.Score, 1e-4 * Math.Max(1, Math.Abs(alone.Score)));
        }

        static GeneratedSequence Best(InferenceOutcome outcome) => Assert.IsType<CaptionOutcome>(outcome).Sequences[0];
    }

    /// <summary>Asserts that a search found what transformers gave.</summary>
    public static void Check(this GoldenCaption golden, FoundSequence best)
    {
        Assert.Equal(golden.Tokens, best.Tokens);
        Assert.Equal(golden.Score, best.Score, 1e-3 * Math.Max(1, Math.Abs(golden.Score)));
    }

    /// <summary>Asserts that an outcome is what transformers gave.</summary>
    public static void Check(this GoldenCaption golden, InferenceOutcome outcome)
    {
        var sequences = Assert.IsType<CaptionOutcome>(outcome).Sequences;
        Assert.Equal(golden.Tokens, sequences[0].TokenIds);
        Assert.Equal(golden.Score, sequences[0].Score, 1e-3 * Math.Max(1, Math.Abs(golden.Score)));
        Assert.Equal(golden.Text, sequences[0].Text);
        Assert.Equal(golden.Parameters.NumReturnSequences, sequences.Count);
        if (golden.SecondTokens is null)
            return;
        Assert.Equal(golden.SecondTokens, sequences[1].TokenIds);
        Assert.Equal(golden.SecondScore!.Value, sequences[1].Score, 1e-3 * Math.Max(1, Math.Abs(golden.SecondScore.Value)));
    }
}
