using VlWorker.Demo.Gallery;

namespace VlWorker.Worker.Tests.Demo.Gallery;

public sealed class TextVocabularyTests
{
    private static readonly string[] Captions =
    [
        "a police car to the left of a gear on a black background",
        "a strawberry, a candy and a rat on a blue background",
        "a banana above a candy on a white background",
    ];

    [Fact]
    public void A_caption_gives_its_phrases_and_their_words() => Assert.Equal(
        ["police car", "police", "car", "gear", "black background", "black", "background"], TextVocabulary.Phrases(Captions[0]));

    [Fact]
    public void Punctuation_ends_a_phrase() => Assert.Equal(
        ["red", "blue", "t-shirt", "dog's bone", "dog's", "bone"], TextVocabulary.Phrases("red, blue. The t-shirt (dog's bone)"));

    [Fact]
    public void Queries_come_first_then_what_many_captions_have_then_captions()
    {
        var texts = TextVocabulary.Choose(["a red car"], Captions, 100);

        Assert.Equal(["a red car", "background", "candy"], texts.Take(3));
        Assert.Contains("police car", texts);
        Assert.Equal(Captions.Order(StringComparer.Ordinal), texts.TakeLast(3).Order(StringComparer.Ordinal));
        Assert.Equal(texts.Count, texts.Distinct(StringComparer.OrdinalIgnoreCase).Count());
    }

    [Fact]
    public void The_limit_holds_and_leaves_room_for_captions()
    {
        string[] captions = [.. Enumerable.Range(0, 500).Select(i => $"a thing{i} on a place{i}")];

        var texts = TextVocabulary.Choose(["q"], captions, 100);

        Assert.Equal(101, texts.Count);
        Assert.Equal(25, texts.Count(captions.Contains));
    }

    [Fact]
    public void No_captions_leave_the_queries() => Assert.Equal(["q"], TextVocabulary.Choose(["q", "Q"], [], 100));

    [Fact]
    public void Suggestions_start_with_the_queries_and_are_few()
    {
        var suggestions = TextVocabulary.Suggest(["a red car"], Captions, 4);

        Assert.Equal(4, suggestions.Count);
        Assert.Equal("a red car", suggestions[0]);
        Assert.Empty(TextVocabulary.Suggest([], [], 4));
    }
}
