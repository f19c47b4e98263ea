using System.Text;

namespace VlWorker.Contracts.Tests;

public sealed class RequestRulesTests
{
    private const string Image = "\"image\":{\"bucket\":\"b\",\"key\":\"k\"}";

    [Theory]
    [InlineData("""{"image":{"bucket":"b","key":"k"}}""", "id is missing, and the AMQP message-id too")]
    [InlineData("""{"id":"","image":{"bucket":"b","key":"k"}}""", "id is missing, and the AMQP message-id too")]
    [InlineData("""{"id":"a\nb","image":{"bucket":"b","key":"k"}}""", "id holds a control character")]
    [InlineData("""{"id":"1"}""", "image is missing")]
    [InlineData("""{"id":"1","image":null}""", "image is missing")]
    [InlineData("""{"id":"1","image":{"key":"k"}}""", "image.bucket is missing")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":""}}""", "image.key is missing")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"a\u0000b"}}""", "image.key holds a NUL character")]
    [InlineData("""{"id":"1","image":{"bucket":"b\r","key":"k"}}""", "image.bucket holds a control character")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"k","etag":"x\r\nHost: y"}}""", "image.etag holds a control character")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"k","etag":""}}""", "image.etag is empty")]
    [InlineData("""{"id":"1","image":{"bucket":"b","key":"k","versionId":""}}""", "image.versionId is empty")]
    public void A_request_must_say_what_to_read(string json, string expected)
    {
        Assert.Equal([expected], Errors(json));
    }

    [Theory]
    [InlineData("\"tasks\":[]", "tasks is empty: leave it out for the default")]
    [InlineData("\"tasks\":[null]", "tasks holds an entry without a name")]
    [InlineData("\"tasks\":[\"caption\",\"\"]", "tasks holds an entry without a name")]
    [InlineData("\"tasks\":[\"caption\",\"caption\"]", "tasks names a task twice")]
    [InlineData("\"tasks\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]", "tasks has more than 8 entries")]
    [InlineData("\"models\":{\"caption\":null}", "models.caption is empty")]
    [InlineData("\"models\":{\"embedding\":\"\"}", "models.embedding is empty")]
    [InlineData("\"models\":{\"captoin\":\"x\"}", "models has an entry for something that is no task: the tasks are caption, embedding, answer, detect, classify")]
    [InlineData("\"embeddingEncoding\":\"hex\"", "embeddingEncoding is neither float nor base64")]
    [InlineData("\"embeddingEncoding\":\"\"", "embeddingEncoding is neither float nor base64")]
    [InlineData("\"jobId\":\"a\\u0007\"", "jobId holds a control character")]
    [InlineData("\"context\":{\"a\":null}", "context has a null value")]
    public void Lists_and_maps_may_hold_anything_and_are_checked(string field, string expected)
    {
        Assert.Equal([expected], Errors($$"""{"id":"1",{{Image}},{{field}}}"""));
    }

    [Theory]
    [InlineData("maxNewTokens", "0", "1 to 1024")]
    [InlineData("maxNewTokens", "1025", "1 to 1024")]
    [InlineData("minNewTokens", "-1", "0 to 1024")]
    [InlineData("numBeams", "0", "1 to 16")]
    [InlineData("numBeams", "17", "1 to 16")]
    [InlineData("lengthPenalty", "1e400", "-10 to 10")]
    [InlineData("lengthPenalty", "-10.5", "-10 to 10")]
    [InlineData("noRepeatNgramSize", "17", "0 to 16")]
    [InlineData("repetitionPenalty", "0", "0.001 to 10")]
    [InlineData("numReturnSequences", "17", "1 to 16")]
    [InlineData("temperature", "0", "0.01 to 10")]
    [InlineData("topK", "-1", "0 to 1000")]
    [InlineData("topK", "1001", "0 to 1000")]
    [InlineData("topP", "0", "0.001 to 1")]
    [InlineData("topP", "1.5", "0.001 to 1")]
    [InlineData("seed", "-1", "0 to 2147483647")]
    public void Parameters_outside_their_range_are_named(string name, string value, string range)
    {
        Assert.Equal([$"generation.{name} is outside {range}"], Errors($$$"""{"id":"1",{{{Image}}},"generation":{"{{{name}}}":{{{value}}}}}"""));
    }

    [Fact]
    public void NaN_is_outside_every_range()
    {
        var request = (DescribeImage)Samples.All["describe-image"];

        var errors = (request with { Generation = new GenerationOptions { LengthPenalty = double.NaN } }).Validate();

        Assert.Equal(["generation.lengthPenalty is outside -10 to 10"], errors);
    }

    [Theory]
    [InlineData("\"numBeams\":2,\"numReturnSequences\":3", "generation.numReturnSequences is above numBeams")]
    [InlineData("\"minNewTokens\":9,\"maxNewTokens\":8", "generation.minNewTokens is above maxNewTokens")]
    [InlineData("\"temperature\":0.5,\"numBeams\":2", "generation.numBeams is above 1, and sampling takes one beam")]
    [InlineData("\"doSample\":true,\"numBeams\":2", "generation.numBeams is above 1, and sampling takes one beam")]
    [InlineData("\"doSample\":false,\"seed\":2", "generation.doSample is false, so temperature, topK, topP and seed have no effect")]
    [InlineData("\"stop\":[\"\"]", "generation.stop has an entry that is empty or longer than 64 characters")]
    [InlineData("\"stop\":[null]", "generation.stop has an entry that is empty or longer than 64 characters")]
    [InlineData("\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]", "generation.stop has more than 8 entries")]
    public void Parameters_must_fit_each_other(string fields, string expected)
    {
        Assert.Equal([expected], Errors($$$"""{"id":"1",{{{Image}}},"generation":{{{{fields}}}}}"""));
    }

    [Theory]
    [InlineData("\"numReturnSequences\":3")]
    [InlineData("\"minNewTokens\":9")]
    public void What_the_model_s_defaults_decide_is_left_to_the_worker(string fields)
    {
        Assert.Empty(Errors($$$"""{"id":"1",{{{Image}}},"generation":{{{{fields}}}}}"""));
    }

    [Theory]
    [InlineData("\"tasks\":[\"answer\"]", "prompt is missing: task answer needs a question")]
    [InlineData("\"tasks\":[\"answer\"],\"prompt\":\" \\n\"", "prompt is missing: task answer needs a question")]
    [InlineData("\"tasks\":[\"classify\"]", "labels is missing: task classify needs at least one")]
    [InlineData("\"tasks\":[\"classify\"],\"labels\":[]", "labels is missing: task classify needs at least one")]
    [InlineData("\"tasks\":[\"classify\"],\"labels\":[\"a\",null]", "labels has an empty entry")]
    [InlineData("\"tasks\":[\"classify\"],\"labels\":[\"a\",\"b\",\"a\"]", "labels names a label twice")]
    [InlineData("\"tasks\":[\"classify\"],\"labels\":[\"a\\u0000\"]", "labels has an entry with a control character")]
    [InlineData("\"tasks\":[\"caption\"],\"labels\":[\"a\"]", "labels are for task classify, which is not asked for")]
    [InlineData("\"labels\":[\"a\"]", "labels are for task classify, which is not asked for")]
    [InlineData("\"labelTemplate\":\"a {}\"", "labelTemplate is for task classify, which is not asked for")]
    [InlineData("\"tasks\":[\"classify\"],\"labels\":[\"a\"],\"labelTemplate\":\"a photo\"", "labelTemplate does not have one {} for the label")]
    [InlineData("\"tasks\":[\"classify\"],\"labels\":[\"a\"],\"labelTemplate\":\"{} {}\"", "labelTemplate does not have one {} for the label")]
    [InlineData("\"moreImages\":[null]", "moreImages has a null entry")]
    [InlineData("\"moreImages\":[{\"bucket\":\"b\",\"key\":\"k\"},{\"bucket\":\"b\"}]", "moreImages[1].key is missing")]
    public void Tasks_have_what_they_need_and_nothing_is_without_effect(string fields, string expected)
    {
        Assert.Equal([expected], Errors($$"""{"id":"1",{{Image}},{{fields}}}"""));
    }

    [Fact]
    public void Labels_and_images_are_bounded_and_the_bound_itself_is_fine()
    {
        var request = new DescribeImage { Id = "1", Image = new ImageReference { Bucket = "b", Key = "k" }, Tasks = [Tasks.Classify] };

        Assert.Empty((request with { Labels = [.. Labels(1024, 32)], MoreImages = [.. Enumerable.Repeat(request.Image, 15)] }).Validate());
        Assert.Empty((request with { Labels = [.. Labels(64, 512)], LabelTemplate = new string('x', 510) + "{}" }).Validate());
        Assert.Equal(
            ["moreImages has more than 15 entries", "labels has more than 1,024 entries", "labels are longer than 32,768 characters together"],
            (request with { Labels = [.. Labels(10_000, 32)], MoreImages = [.. Enumerable.Repeat(request.Image, 19)] }).Validate());
        Assert.Equal(
            ["labels has an entry that is longer than 512 characters", "labelTemplate is longer than 512 characters"],
            (request with { Labels = [.. Labels(2, 513)], LabelTemplate = new string('x', 511) + "{}" }).Validate());

        static IEnumerable<string> Labels(int count, int length) => Enumerable.Range(0, count).Select(i => $"{i:00000}".PadRight(length, 'x'));
    }

    [Fact]
    public void Lengths_are_bounded_and_the_bound_itself_is_fine()
    {
        var request = (DescribeImage)Samples.All["describe-image"];
        var image = request.Image!;
        Assert.Empty((request with
        {
            Id = Wide(RequestLimits.IdBytes),
            JobId = Wide(RequestLimits.IdBytes),
            Prompt = new string('p', RequestLimits.PromptLength),
            Image = image with { Key = Wide(RequestLimits.KeyBytes) },
            Context = Enumerable.Range(0, 16).ToDictionary(i => $"{i:00}", _ => new string('x', 254)),
        }).Validate());

        string[] expected =
        [
            "id is longer than 255 bytes", "jobId is longer than 255 bytes", "context has more than 16 entries",
            "context is longer than 4,096 characters", "image.bucket is longer than 255 bytes", "image.key is longer than 1,024 bytes",
            "image.versionId is longer than 255 bytes", "image.etag is longer than 255 bytes", "models.caption is longer than 255 bytes",
            "prompt is longer than 8,192 characters",
        ];
        Assert.Equal(expected, (request with
        {
            Id = Wide(RequestLimits.IdBytes + 1),
            JobId = Wide(RequestLimits.IdBytes + 1),
            Prompt = new string('p', RequestLimits.PromptLength + 1),
            Image = image with { Bucket = Wide(256), Key = Wide(RequestLimits.KeyBytes + 1), VersionId = Wide(256), Etag = Wide(256) },
            Models = new Dictionary<string, string> { ["caption"] = Wide(256) },
            Context = Enumerable.Range(0, 17).ToDictionary(i => $"{i:00}", _ => new string('x', 254)),
        }).Validate());
    }

    [Fact]
    public void Everything_wrong_is_reported_at_once()
    {
        var errors = Errors("""
            {"image":{"bucket":"","key":null},"tasks":[null,null],"models":{"x":null},"generation":{"numBeams":99},
             "embeddingEncoding":"x","context":{"a":null}}
            """);

        Assert.Equal(9, errors.Count);
        Assert.Equal(errors.Count, errors.Distinct().Count());
    }

    [Fact]
    public void Texts_have_rules_too()
    {
        Assert.Equal(["id is missing, and the AMQP message-id too", "text is missing"], new DescribeText().Validate());
        Assert.Equal(
            ["text is longer than 65,536 characters", "model is empty"],
            new DescribeText { Id = "1", Text = new string('t', RequestLimits.TextLength + 1), Model = "" }.Validate());
        Assert.Empty(new DescribeText { Id = "1", Text = "", JobId = "" }.Validate());
    }

    // Two bytes a character, and one single byte where the number is odd.
    private static string Wide(int bytes) => new string('é', bytes / 2) + new string('x', bytes % 2);

    private static IReadOnlyList<string> Errors(string json) => ContractsJson.Read<DescribeImage>(Encoding.UTF8.GetBytes(json)).Validate();
}
