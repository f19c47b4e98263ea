using VlWorker.Contracts;
using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Inference.Generation;

/// <summary>Sampling and stop strings through a whole model.</summary>
public sealed class SampledCaptionTests(CaptionFixture fixture) : IClassFixture<CaptionFixture>
{
    private static readonly GenerationOptions Warm = new() { Temperature = 1.5, TopK = 0, Seed = 11, MaxNewTokens = 12 };

    [Fact]
    public void A_drawn_caption_is_the_same_in_any_company_and_another_with_another_seed()
    {
        var alone = Run(fixture.Merged, [Warm])[0];
        var companions = Enumerable.Range(0, 6).Select(i => i == 3 ? Warm : Warm with { Seed = i, MaxNewTokens = 3 + i }).ToArray();
        Assert.Equal(alone.TokenIds, Run(fixture.Merged, companions)[3].TokenIds);
        Assert.Equal(alone.TokenIds, Run(fixture.Split, [Warm])[0].TokenIds);
        Assert.NotEqual(alone.TokenIds, Run(fixture.Merged, [Warm with { Seed = 12 }])[0].TokenIds);
    }

    [Fact]
    public void Drawing_among_one_token_is_greedy_search_with_its_score()
    {
        var greedy = Run(fixture.Merged, [new GenerationOptions { MaxNewTokens = 12 }])[0];
        var drawn = Run(fixture.Merged, [new GenerationOptions { MaxNewTokens = 12, TopK = 1 }])[0];
        Assert.Equal(greedy.TokenIds, drawn.TokenIds);
        Assert.Equal(greedy.Score, drawn.Score, 1e-5);
    }

    [Fact]
    public void Without_a_seed_the_same_request_gives_the_same_text() =>
        Assert.Equal(Run(fixture.Merged, [Warm with { Seed = null }])[0].TokenIds, Run(fixture.Merged, [Warm with { Seed = 0 }])[0].TokenIds);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_text_ends_before_a_stop_string_that_two_tokens_make(int beams)
    {
        var options = new GenerationOptions { MaxNewTokens = 12, NumBeams = beams };
        var whole = Run(fixture.Merged, [options])[0];
        var second = fixture.Tokenizer.Decode([.. whole.TokenIds.Take(3)], true);
        // The end of one token and the beginning of the next.
        var place = fixture.Tokenizer.Decode([.. whole.TokenIds.Take(2)], true).Length;
        var stop = second.Substring(place - 2, 4);

        var stopped = Run(fixture.Merged, [options with { Stop = [stop, "not in there"] }])[0];

        Assert.DoesNotContain(stop, stopped.Text);
        if (beams > 1)
            return;
        Assert.Equal(whole.TokenIds.Take(3), stopped.TokenIds);
        Assert.Equal(whole.Text[..whole.Text.IndexOf(stop, StringComparison.Ordinal)], stopped.Text);
    }

    [Fact]
    public void What_steers_the_draw_is_part_of_the_result_id()
    {
        GenerationOptions[] all =
        [
            new(), new() { Stop = ["a"] }, new() { Stop = ["b"] }, Warm, Warm with { Seed = 12 }, Warm with { Temperature = 1 }, Warm with { TopK = 5 },
            Warm with { TopP = 0.5 },
        ];
        Assert.Equal(all.Length, all.Select(options => fixture.Merged.Resolve(options)!.Canonical()).Distinct().Count());
        Assert.Equal(fixture.Merged.Resolve(null)!.Canonical(), fixture.Merged.Resolve(new GenerationOptions { DoSample = false })!.Canonical());
    }

    private GeneratedSequence[] Run(IModel model, IReadOnlyList<GenerationOptions> options)
    {
        var rows = options.Select(option => new ImageInput(Tasks.Caption, fixture.Golden.Pixels("scene"), model.Resolve(option))).ToList();
        return [.. model.Run(rows, CancellationToken.None).Select(outcome => Assert.IsType<CaptionOutcome>(outcome).Sequences[0])];
    }
}
