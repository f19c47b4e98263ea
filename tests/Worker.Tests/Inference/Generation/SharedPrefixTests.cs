using VlWorker.Inference.Generation;

namespace VlWorker.Worker.Tests.Inference.Generation;

public sealed class SharedPrefixTests
{
    private static readonly int[] Image = [.. Enumerable.Range(100, 40)];

    [Fact]
    public void A_row_begins_like_the_earlier_one_that_it_has_most_in_common_with()
    {
        int[][] prompts = [[.. Image, 1, 2], [.. Image, 3, 4], [7, .. Image, 1], [.. Image, 3, 4, 5], [.. Image, 1, 2, 9]];
        Assert.Equal([default, new(0, 40), default, new(1, 42), new(0, 42)], SharedPrefix.Find(prompts));
    }

    [Fact]
    public void The_last_token_of_a_prompt_is_always_its_own() =>
        Assert.Equal([default, new(0, 39), new(0, 38)], SharedPrefix.Find([Image, Image, Image[..39]]));

    [Fact]
    public void A_few_words_are_not_worth_it() =>
        Assert.Equal([default, default, new(0, 32)], SharedPrefix.Find([Image, [.. Image[..31], 0, 1], [.. Image[..32], 0, 1]]));
}
