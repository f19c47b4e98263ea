using System.Text;
using System.Text.Json;

namespace VlWorker.Contracts.Tests;

public sealed class AnswerTests
{
    [Fact]
    public void The_fields_tell_the_kinds_apart()
    {
        var image = Answer.Read(ContractsJson.Write((ImageDescribed)Samples.All["image-described"]));
        var text = Answer.Read(ContractsJson.Write((TextDescribed)Samples.All["text-described"]));
        var rejection = Answer.Read(ContractsJson.Write((ImageRejected)Samples.All["image-rejected"]));

        Assert.Equal((true, false, false), (image.Image is not null, image.Text is not null, image.Rejection is not null));
        Assert.Equal((false, true, false), (text.Image is not null, text.Text is not null, text.Rejection is not null));
        Assert.Equal((false, false, true), (rejection.Image is not null, rejection.Text is not null, rejection.Rejection is not null));
        Assert.Equal(["order-4711/front", "query-1", "order-4711/front"], new[] { image.Id, text.Id, rejection.Id });
        Assert.All([image, text, rejection], answer => Assert.Equal("autumn.2026", answer.JobId));
    }

    [Fact]
    public void Words_inside_other_fields_do_not_mislead()
    {
        var rejection = (ImageRejected)Samples.All["image-rejected"];
        var context = new Dictionary<string, string> { ["outputs"] = "x", ["embedding"] = "y" };

        Assert.NotNull(Answer.Read(ContractsJson.Write(rejection with { Context = context })).Rejection);
    }

    [Fact]
    public void Lists_that_hold_nulls_are_refused()
    {
        var image = (ImageDescribed)Samples.All["image-described"];
        var output = image.Outputs[0];

        foreach (var outputs in (IReadOnlyList<Output>[])[[null!], [output with { Detections = [null!] }]])
            Assert.Equal("not an answer: outputs holds a null", Assert.Throws<JsonException>(() => Answer.Read(ContractsJson.Write(image with { Outputs = outputs }))).Message);
    }

    [Theory]
    [InlineData("", "not valid JSON at line 1, byte 1")]
    [InlineData("{\"id\":\"1\"", "not valid JSON at line 1, byte 10")]
    [InlineData("[]", "not an answer: it has none of outputs, embedding and reason")]
    [InlineData("{\"id\":\"1\",\"image\":{\"bucket\":\"b\"}}", "not an answer: it has none of outputs, embedding and reason")]
    [InlineData("{\"id\":\"1\",\"outputs\":[]}", "a required field is missing")]
    [InlineData("{\"outputs\":[{}],\"id\":\"1\"}", "the value at $.outputs[0] lacks a required field")]
    [InlineData("{\"\\ud800\":1,\"outputs\":[]}", "not an answer: a name in it is no Unicode")]
    public void What_is_no_answer_is_refused(string json, string expected)
    {
        Assert.Equal(expected, Assert.Throws<JsonException>(() => Answer.Read(Encoding.UTF8.GetBytes(json))).Message);
    }
}
