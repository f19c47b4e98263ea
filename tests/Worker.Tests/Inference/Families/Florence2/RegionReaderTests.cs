using VlWorker.Inference.Families.Florence2;
using VlWorker.Inference.Tokenizing;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Families.Florence2;

/// <summary>Texts as the model writes them, and what Florence-2's processor in transformers 4.57 reads out of them.</summary>
public sealed class RegionReaderTests
{
    private readonly HubTokenizer _tokenizer = HubTokenizer.Load(FixtureArchive.Extract("florence-2"));

    [Theory]
    [InlineData("car<loc_1><loc_2><loc_3><loc_4>", "car 1,2,3,4")]
    [InlineData(" a red car <loc_1><loc_2><loc_3><loc_4>dog<loc_5><loc_6><loc_7><loc_8>", "a red car 1,2,3,4|dog 5,6,7,8")]
    [InlineData("cat<loc_1><loc_2><loc_3><loc_4><loc_5><loc_6><loc_7><loc_8>", "cat 1,2,3,4|cat 5,6,7,8")]
    [InlineData("cat<loc_1><loc_2><loc_3><loc_4><loc_5>", "cat 1,2,3,4")]
    [InlineData("cat<loc_1><loc_2><loc_3>dog<loc_5><loc_6><loc_7><loc_8>", "dog 5,6,7,8")]
    [InlineData("<loc_1><loc_2><loc_3><loc_4>", "")]
    [InlineData("nothing to see", "")]
    [InlineData("caf\u00e9<loc_0><loc_0><loc_999><loc_999>", "caf 0,0,999,999")]
    public void Boxes_follow_their_label(string text, string expected) => Check(text, FlorenceAnswer.Boxes, RegionShape.Box, expected);

    [Theory]
    [InlineData("A cat<loc_1><loc_2><loc_3><loc_4>it<loc_5><loc_6><loc_7><loc_8>the image<loc_0><loc_0><loc_9><loc_9>", "A cat 1,2,3,4")]
    [InlineData("a dog<loc_1><loc_2><loc_3><loc_4><loc_5><loc_6><loc_7><loc_8>", "a dog 1,2,3,4|a dog 5,6,7,8")]
    public void Phrases_that_name_nothing_are_left_out(string text, string expected) => Check(text, FlorenceAnswer.Phrases, RegionShape.Box, expected);

    [Fact]
    public void Proposals_have_no_label() =>
        Check("<loc_1><loc_2><loc_3><loc_4><loc_5><loc_6><loc_7><loc_8>", FlorenceAnswer.Proposals, RegionShape.Box, " 1,2,3,4| 5,6,7,8");

    [Theory]
    [InlineData("STOP<loc_1><loc_2><loc_3><loc_4><loc_5><loc_6><loc_7><loc_8>", "STOP 1,2,3,4,5,6,7,8")]
    [InlineData("STOP<loc_1><loc_2><loc_3><loc_4>", "")]
    [InlineData(
        "\u00fcber 3<loc_1><loc_2><loc_3><loc_4><loc_5><loc_6><loc_7><loc_8>A<loc_8><loc_7><loc_6><loc_5><loc_4><loc_3><loc_2><loc_1>",
        "\u00fcber 3 1,2,3,4,5,6,7,8|A 8,7,6,5,4,3,2,1")]
    public void Read_texts_have_four_corners(string text, string expected) =>
        Check(text, FlorenceAnswer.Quadrilaterals, RegionShape.Quadrilateral, expected);

    [Theory]
    [InlineData("<loc_1><loc_2><loc_3><loc_4><loc_5><loc_6><loc_7>", " 1,2,3,4,5,6")]
    [InlineData(
        "<poly><loc_1><loc_2><loc_3><loc_4><sep><loc_5><loc_6><loc_7><loc_8></poly><poly><loc_9><loc_8><loc_7><loc_6></poly>",
        " 1,2,3,4;5,6,7,8| 9,8,7,6")]
    [InlineData("<loc_1><loc_2>", "")]
    public void Outlines_may_have_several_parts(string text, string expected) => Check(text, FlorenceAnswer.Polygons, RegionShape.Polygon, expected);

    [Fact]
    public void Words_that_were_looked_for_have_boxes_or_where_the_model_draws_one_outlines()
    {
        Check("a hat<loc_1><loc_2><loc_3><loc_4>", FlorenceAnswer.BoxesOrPolygons, RegionShape.Box, "a hat 1,2,3,4");
        Check("a hat<poly><loc_1><loc_2><loc_3><loc_4></poly>", FlorenceAnswer.BoxesOrPolygons, RegionShape.Polygon, "a hat 1,2,3,4");
    }

    [Theory]
    [InlineData("")]
    [InlineData("<sep><sep><poly></poly><poly>")]
    [InlineData("</poly><loc_1><poly><loc_2></poly><sep>")]
    [InlineData("x</poly><poly><sep><loc_3><od></od><mask><loc_4>")]
    public void Nonsense_is_no_region_in_any_answer(string text) => Assert.All(
        Enum.GetValues<FlorenceAnswer>().Where(answer => answer != FlorenceAnswer.Text), answer => Assert.Empty(Read(text, answer)));

    private void Check(string text, FlorenceAnswer answer, RegionShape shape, string expected)
    {
        var regions = Read(text, answer);
        Assert.All(regions, region => Assert.Equal(shape, region.Shape));
        Assert.Equal(expected, string.Join('|', regions.Select(region =>
            $"{region.Label} {string.Join(';', region.Outlines.Select(bins => string.Join(',', bins)))}")));
    }

    private IReadOnlyList<LocatedRegion> Read(string text, FlorenceAnswer answer) =>
        new RegionReader(_tokenizer).Read([2, .. _tokenizer.Encode(text)], answer);
}
