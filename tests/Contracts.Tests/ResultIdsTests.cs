using FsCheck;
using FsCheck.Xunit;

namespace VlWorker.Contracts.Tests;

public sealed class ResultIdsTests
{
    [Fact]
    public void Ids_are_stable_over_releases()
    {
        // Computed with Python's hashlib: SHA-256 over each field's length (4 bytes, big-endian) and UTF-8.
        Assert.Equal(
            "5deb6244e321c146762cc8e6a5ce43fd96810cf78ad9e01d7e0e52c18352b84f",
            ResultIds.ResultId("photos", "東京.jpg", "ab", "caption", "cd", "numBeams=4;"));
        Assert.Equal(
            "1facdd3a0ac8bf3280ed545df8713286ad6c8d5c6e7de24fccddecbed31044b6",
            ResultIds.ContentId("ab", "caption", "cd", "numBeams=4;"));
        Assert.Equal("90a23c5df86f931ab2d87137f7ceae76f0cc08bfcee576882675780beff47962", ResultIds.TextId("a red kite", "cd"));
    }

    [Property]
    public bool Fields_do_not_run_into_each_other(NonNull<string> a, NonNull<string> b, NonNull<string> c, PositiveInt cut)
    {
        // The same characters, divided between the fields in another place, are other work.
        var text = a.Get + b.Get + c.Get;
        var at = cut.Get % (text.Length + 1);
        var first = ResultIds.ResultId(a.Get, b.Get, c.Get, "caption", "r", "");
        var second = ResultIds.ResultId(text[..at], text[at..], "", "caption", "r", "");
        return (first == second) == (text[..at] == a.Get && text[at..] == b.Get && c.Get.Length == 0) || HasLoneSurrogate(text, at);
    }

    [Property]
    public bool Every_field_counts(NonNull<string> value, PositiveInt field)
    {
        string[] fields = ["a", "b", "c", "d", "e", "f"];
        var before = Id(fields);
        var index = field.Get % fields.Length;
        var same = fields[index] == value.Get;
        fields[index] = value.Get;
        return (Id(fields) == before) == same;
    }

    [Fact]
    public void Ids_of_different_kinds_never_meet()
    {
        string[] ids = [ResultIds.TextId("a", "b"), ResultIds.ContentId("a", "b", "", ""), ResultIds.ResultId("a", "b", "", "", "", "")];

        Assert.Equal(3, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Matches("^[0-9a-f]{64}$", id));
    }

    [Fact]
    public void Parameters_are_canonical()
    {
        Assert.Equal("", ResultIds.Parameters(null, []));
        Assert.Equal(
            "earlyStopping=True;lengthPenalty=0.6;numBeams=4;prompt=a photo of",
            ResultIds.Parameters("a photo of", [new("numBeams", 4), new("lengthPenalty", 0.6), new("prompt", null), new("earlyStopping", true)]));
        Assert.Equal(ResultIds.Parameters(null, [new("a", 1), new("b", 2.0)]), ResultIds.Parameters(null, [new("b", 2), new("a", 1L)]));
    }

    [Property]
    public bool Parameters_that_differ_give_texts_that_differ(NonNull<string> a, NonNull<string> b, NonNull<string> c, NonNull<string> d)
    {
        KeyValuePair<string, object?>[] first = [new(a.Get, b.Get)], second = [new(c.Get, d.Get)];
        return (ResultIds.Parameters(null, first) == ResultIds.Parameters(null, second)) == (a.Get == c.Get && b.Get == d.Get)
            && ResultIds.Parameters(b.Get, []) != ResultIds.Parameters(null, first);
    }

    [Theory]
    [InlineData("x", "x;")]
    [InlineData("x\\", "x\\\\")]
    public void A_prompt_can_not_pose_as_a_parameter(string prompt, string other)
    {
        Assert.NotEqual(ResultIds.Parameters(other, []), ResultIds.Parameters(null, [new("prompt", prompt)]));
        Assert.NotEqual(ResultIds.Parameters(prompt, []), ResultIds.Parameters(other, []));
        Assert.NotEqual(ResultIds.Parameters("a=1;", []), ResultIds.Parameters("", [new("a", 1)]));
    }

    private static string Id(string[] f) => ResultIds.ResultId(f[0], f[1], f[2], f[3], f[4], f[5]);

    // Unpaired surrogates have no UTF-8; JSON with one is refused before any id is made.
    private static bool HasLoneSurrogate(string text, int at) =>
        text.Any(char.IsSurrogate) || (at < text.Length && char.IsSurrogate(text[at]));
}
