using VlWorker.ModelKit.Conversion;

namespace VlWorker.Worker.Tests.Inference.Families.BlipVqa;

/// <summary>What convert makes of the checkpoint gives what transformers gives.</summary>
public sealed class BlipVqaGoldenTests(BlipVqaFixture fixture) : IClassFixture<BlipVqaFixture>
{
    [Fact]
    public void Questions_become_the_tokens_of_transformers() => Assert.All(fixture.Golden.Captions, golden =>
        Assert.Equal(golden.InputIds, fixture.Tokenizer.Encode(golden.Prompt!, parseSpecialTokens: false)));

    [Fact]
    public void Images_are_resized_to_the_same_bytes() => fixture.Golden.CheckResizedBytes();

    [Fact]
    public void Every_case_alone_gives_the_tokens_and_scores_of_transformers()
    {
        // The answer depends on the image and on the question.
        var plain = fixture.Golden.Captions.Where(golden => golden.Parameters.NumBeams == 1).ToList();
        Assert.Contains(plain, one => plain.Exists(other => other.Image == one.Image && other.Prompt != one.Prompt && !other.Tokens.SequenceEqual(one.Tokens)));
        Assert.Contains(plain, one => plain.Exists(other => other.Image != one.Image && other.Prompt == one.Prompt && !other.Tokens.SequenceEqual(one.Tokens)));
        foreach (var golden in fixture.Golden.Captions)
            fixture.Check([golden]);
    }

    [Fact]
    public void Questions_of_several_lengths_about_several_images_share_a_batch()
    {
        Assert.True(fixture.Golden.Captions.Select(golden => golden.InputIds.Length).Distinct().Count() > 3);
        fixture.Check(fixture.Golden.Captions);
        fixture.Check([.. fixture.Golden.Captions.Reverse()]);
    }

    [Fact]
    public void In_8_bits_no_row_changes_another()
    {
        var folder = fixture.Convert(ConversionPrecision.Int8);
        try
        {
            using var model = BlipVqaFixture.Load(folder);
            model.CheckRowsAreTheirOwn([.. fixture.Golden.Captions.Select(fixture.Input)]);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }
}
