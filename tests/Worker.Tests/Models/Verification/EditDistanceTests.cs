using FsCheck.Xunit;
using VlWorker.Models.Verification;

namespace VlWorker.Worker.Tests.Models.Verification;

public sealed class EditDistanceTests
{
    [Theory]
    [InlineData("", "", 0, 0)]
    [InlineData("a red car", "a red car", 0, 0)]
    [InlineData("a red car", "a  red\tcar ", 0, 3)]
    [InlineData("a red car", "a blue car", 1, 4)]
    [InlineData("a red car", "a car", 1, 4)]
    [InlineData("", "two words", 2, 9)]
    [InlineData("kitten", "sitting", 1, 3)]
    [InlineData("a 😀", "a b", 1, 1)]
    public void Insertions_deletions_and_substitutions_are_counted(string a, string b, int words, int characters)
    {
        Assert.Equal((words, characters), (EditDistance.Words(a, b), EditDistance.Characters(a, b)));
        Assert.Equal((words, characters), (EditDistance.Words(b, a), EditDistance.Characters(b, a)));
    }

    [Property]
    public bool It_is_a_distance(string? a, string? b, string? c)
    {
        int Between(string? x, string? y) => EditDistance.Characters(x ?? "", y ?? "");

        return Between(a, a) == 0 && Between(a, c) <= Between(a, b) + Between(b, c)
            && Between(a, b) <= Math.Max((a ?? "").EnumerateRunes().Count(), (b ?? "").EnumerateRunes().Count());
    }
}
