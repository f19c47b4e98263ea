using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Inference.Families.Blip;

public sealed class BlipGoldenTests(BlipFixture fixture) : IClassFixture<BlipFixture>
{
    [Fact]
    public void Prompts_become_the_tokens_of_transformers() => Assert.All(fixture.Golden.Captions, golden =>
        Assert.Equal(golden.InputIds[1..], golden.Prompt is null ? [] : fixture.Tokenizer.EncodeUserText(golden.Prompt)));

    [Fact]
    public void Every_case_alone_gives_the_tokens_and_scores_of_transformers()
    {
        foreach (var golden in fixture.Golden.Captions)
            fixture.Check([golden], fixture.Merged);
    }

    [Fact]
    public void Greedy_cases_with_prompts_of_several_lengths_share_a_batch()
    {
        var cases = Cases(beams: false);
        Assert.True(cases.Select(golden => golden.InputIds.Length).Distinct().Count() > 2);
        fixture.Check(cases, fixture.Merged);
        fixture.Check([.. cases.Reverse()], fixture.Merged);
    }

    [Fact]
    public void Beam_cases_with_prompts_of_several_lengths_share_a_batch() => fixture.Check(Cases(beams: true), fixture.Merged);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_split_pair_of_decoders_gives_the_same(bool beams) => fixture.Check(Cases(beams), fixture.Split);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_decoder_without_a_cache_gives_the_same(bool beams) => fixture.Check(Cases(beams), fixture.NoCache);

    [Fact]
    public void A_decoder_without_a_cache_gives_the_same_alone()
    {
        foreach (var golden in fixture.Golden.Captions)
            fixture.Check([golden], fixture.NoCache);
    }

    private IReadOnlyList<GoldenCaption> Cases(bool beams) => [.. fixture.Golden.Captions.Where(golden => golden.Parameters.NumBeams > 1 == beams)];
}
