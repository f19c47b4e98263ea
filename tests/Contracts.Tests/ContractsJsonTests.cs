using System.Text;
using System.Text.Json;

namespace VlWorker.Contracts.Tests;

public sealed class ContractsJsonTests
{
    [Fact]
    public void Text_is_written_as_it_is()
    {
        var json = Encoding.UTF8.GetString(ContractsJson.Write(new DescribeText { Id = "1", Text = "été 東京 <b> & 'x' \"y\"" }));

        Assert.Equal("""{"id":"1","text":"été 東京 <b> & 'x' \"y\""}""", json);
    }

    [Fact]
    public void Unknown_fields_and_the_case_of_names_do_not_matter()
    {
        var request = Read("""{"ID":"1","new":{"deep":[1,2,{"x":null}]},"Image":{"BUCKET":"b","key":"k","url":"http://x"}}""");

        Assert.Equal(("1", "b", "k"), (request.Id, request.Image!.Bucket, request.Image.Key));
        Assert.Empty(request.Validate());
    }

    [Fact]
    public void A_byte_order_mark_is_skipped()
    {
        Assert.Equal("1", ContractsJson.Read<DescribeText>([0xEF, 0xBB, 0xBF, .. "{\"id\":\"1\"}"u8]).Id);
    }

    [Theory]
    [InlineData("2026-11-23T12:00:00Z", "2026-11-23T12:00:00+00:00")]
    [InlineData("2026-11-23T13:30:00.5+01:30", "2026-11-23T12:00:00.5+00:00")]
    [InlineData("2026-11-23T12:00:00", "2026-11-23T12:00:00+00:00")]
    [InlineData("2026-11-23", "2026-11-23T00:00:00+00:00")]
    public void Times_without_an_offset_are_UTC(string written, string meant)
    {
        var request = Read($$"""{"deadline":"{{written}}"}""");

        Assert.Equal(DateTimeOffset.Parse(meant, System.Globalization.CultureInfo.InvariantCulture), request.Deadline);
        Assert.Contains("Z\"", Encoding.UTF8.GetString(ContractsJson.Write(request)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"id\":\"1\"} x")]
    [InlineData("{\"id\":\"1\",}")]
    [InlineData("{\"generation\":{\"lengthPenalty\":NaN}}")]
    [InlineData("{\"generation\":{\"lengthPenalty\":.5}}")]
    public void What_is_not_JSON_says_where(string json)
    {
        var error = Assert.Throws<JsonException>(() => Read(json));

        Assert.Matches("^not valid JSON at line 1, byte [0-9]+$", error.Message);
    }

    [Theory]
    [InlineData("{\"context\":{\"a\":5}}", "$.context.a")]
    [InlineData("{\"id\":5}", "$.id")]
    [InlineData("{\"id\":\"\\ud800\"}", "$.id")]
    [InlineData("{\"image\":[]}", "$.image")]
    [InlineData("{\"tasks\":\"caption\"}", "$.tasks")]
    [InlineData("{\"tasks\":[1]}", "$.tasks[0]")]
    [InlineData("{\"generation\":{\"numBeams\":\"4\"}}", "$.generation.numBeams")]
    [InlineData("{\"generation\":{\"numBeams\":1e30}}", "$.generation.numBeams")]
    [InlineData("{\"generation\":{\"numBeams\":2.5}}", "$.generation.numBeams")]
    [InlineData("{\"generation\":{\"lengthPenalty\":\"NaN\"}}", "$.generation.lengthPenalty")]
    [InlineData("{\"deadline\":\"tomorrow\"}", "$.deadline")]
    [InlineData("{\"deadline\":\"0001-01-01T00:00:00+14:00\"}", "$.deadline")]
    [InlineData("{\"deadline\":1700000000}", "$.deadline")]
    public void A_value_of_the_wrong_kind_is_named_by_its_path(string json, string path)
    {
        var error = Assert.Throws<JsonException>(() => Read(json));

        Assert.Equal($"the value at {path} is of the wrong kind or out of range", error.Message);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("\"text\"")]
    public void What_is_not_an_object_is_refused(string json)
    {
        Assert.Matches("^(not a JSON object|the message is null)$", Assert.Throws<JsonException>(() => Read(json)).Message);
    }

    [Fact]
    public void A_result_without_its_required_fields_is_refused()
    {
        var error = Assert.Throws<JsonException>(() => ContractsJson.Read<ImageRejected>("""{"id":"1","reason":"empty"}"""u8));

        Assert.Equal("a required field is missing", error.Message);
        Assert.Throws<JsonException>(() =>
            ContractsJson.Read<ImageRejected>("""{"id":null,"reason":"empty","detail":"x","rejectedAt":"2026-11-23T12:00:00Z"}"""u8));
    }

    [Fact]
    public void Invalid_UTF8_is_refused()
    {
        Assert.Throws<JsonException>(() => ContractsJson.Read<DescribeImage>([.. "{\"id\":\""u8, 0xFF, 0xC0, .. "\"}"u8]));
    }

    [Fact]
    public void Nesting_is_bounded_even_in_unknown_fields()
    {
        Assert.Equal("1", Read($$"""{"x":{{Nested(30)}},"id":"1"}""").Id);
        Assert.Equal("nested more than 32 levels deep", Assert.Throws<JsonException>(() => Read($$"""{"x":{{Nested(33)}}}""")).Message);
        Assert.Throws<JsonException>(() => Read($$"""{"x":{{Nested(200_000)}}}"""));

        static string Nested(int depth) => new string('[', depth) + new string(']', depth);
    }

    [Fact]
    public void Errors_do_not_repeat_what_was_sent_at_length()
    {
        var error = Assert.Throws<JsonException>(() => Read("{\"context\":{\"" + new string('k', 100_000) + "\":5}}"));

        Assert.InRange(error.Message.Length, 1, 300);
    }

    [Fact]
    public void Numbers_that_JSON_lacks_are_refused()
    {
        var request = new DescribeImage { Generation = new GenerationOptions { LengthPenalty = double.NaN } };

        Assert.ThrowsAny<ArgumentException>(() => ContractsJson.Write(request));
        Assert.Throws<NotSupportedException>(() => ContractsJson.Write(new Version(1, 0)));
    }

    [Fact]
    public void The_largest_valid_request_fits_the_bound_on_messages()
    {
        var text = new DescribeText { Id = "1", Text = new string('\u0001', RequestLimits.TextLength) };
        Assert.Empty(text.Validate());
        Assert.InRange(ContractsJson.Write(text).Length, RequestLimits.TextLength * 6, RequestLimits.MessageBytes / 2);
    }

    private static DescribeImage Read(string json) => ContractsJson.Read<DescribeImage>(Encoding.UTF8.GetBytes(json));
}
