using Microsoft.Extensions.Time.Testing;
using VlWorker.Contracts;
using VlWorker.Producer.Requests;

namespace VlWorker.Producer.Tests.Requests;

public sealed class ImageRequestsTests
{
    private static readonly DescribeImage Template = new()
    {
        Image = new ImageReference { Bucket = "photos" },
        Tasks = [Tasks.Caption],
        JobId = "autumn",
        Prompt = "a photo of",
        Generation = new GenerationOptions { NumBeams = 4 },
        Context = new Dictionary<string, string> { ["album"] = "7" },
    };

    [Fact]
    public void A_key_takes_everything_else_from_the_options()
    {
        var request = Read(Requests().FromLine(3, "a/b c.jpg"));

        Assert.Equal(("p-3", "photos", "a/b c.jpg", "autumn", "a photo of"), (request.Id, request.Image!.Bucket, request.Image.Key, request.JobId, request.Prompt));
        Assert.Equal((4, "7"), (request.Generation!.NumBeams, request.Context!["album"]));
        Assert.Equal([Tasks.Caption], request.Tasks!);
    }

    [Fact]
    public void An_address_brings_its_bucket()
    {
        var image = Read(Requests().FromLine(1, "s3://other/a/b.jpg")).Image!;

        Assert.Equal(("other", "a/b.jpg"), (image.Bucket, image.Key));
    }

    [Fact]
    public void A_JSON_line_goes_before_the_options()
    {
        var request = Read(Requests().FromLine(1, """
            {"id":"mine","image":{"bucket":"b","key":"k","versionId":"v"},"tasks":["embedding"],"jobId":"j","prompt":"x","generation":{"numBeams":1},
             "context":{},"embeddingEncoding":"base64","models":{"embedding":"clip"},"deadline":"2026-11-23T12:00:00Z"}
            """));

        Assert.Equal(("mine", "b", "k", "v", "j", "x"), (request.Id, request.Image!.Bucket, request.Image.Key, request.Image.VersionId, request.JobId, request.Prompt));
        Assert.Equal((1, 0, "base64", "clip"), (request.Generation!.NumBeams, request.Context!.Count, request.EmbeddingEncoding, request.Models!["embedding"]));
        Assert.Equal([Tasks.Embedding], request.Tasks!);
    }

    [Fact]
    public void A_JSON_line_may_say_the_key_alone()
    {
        var request = Requests().FromLine(1, """{"image":{"key":"k"}}""");

        Assert.Equal(("p-1", "interactive"), (request.Id, request.RoutingKey));
        Assert.Equal(("photos", "autumn"), (Read(request).Image!.Bucket, Read(request).JobId));
    }

    [Theory]
    [InlineData("{\"image\":5}", "the value at $.image is of the wrong kind or out of range")]
    [InlineData("{\"image\"", "not valid JSON at line 1, byte 9")]
    [InlineData("{}", "image.key is missing")]
    [InlineData("{\"image\":{\"key\":\"k\"},\"tasks\":[\"captoin\"]}", "'captoin' is no task: the tasks are caption, embedding, answer, detect, classify")]
    [InlineData("{\"image\":{\"key\":\"k\"},\"generation\":{\"numBeams\":99,\"maxNewTokens\":0}}", "generation.maxNewTokens is outside 1 to 1024; generation.numBeams is outside 1 to 16")]
    [InlineData("s3://bucket", "an s3:// address needs a bucket and a key")]
    [InlineData("s3:///key", "an s3:// address needs a bucket and a key")]
    [InlineData("s3://bucket/", "an s3:// address needs a bucket and a key")]
    public void A_wrong_line_is_refused_with_its_number_and_all_its_faults(string line, string expected)
    {
        var error = Assert.Throws<InvalidRequestException>(() => Requests().FromLine(17, line));

        Assert.Equal((17, expected), (error.Number, error.Message));
    }

    [Fact]
    public void Ids_are_numbered_or_unique_and_in_order_of_time()
    {
        var time = new FakeTimeProvider();
        var ids = new RequestIds(null, time);
        var first = ids.For(1);
        time.Advance(TimeSpan.FromMilliseconds(5));
        var second = ids.For(1);

        Assert.Equal("job-12", new RequestIds("job", time).For(12));
        Assert.True(Guid.TryParse(first, out _));
        Assert.True(string.CompareOrdinal(first, second) < 0, $"{first} {second}");
    }

    [Fact]
    public void A_text_becomes_a_request()
    {
        var texts = new TextRequests(new DescribeText { Model = "clip", JobId = "j" }, new RequestIds("t", TimeProvider.System));

        var request = texts.FromText(2, "a red kite");

        Assert.Equal(("t-2", Topology.TextRoutingKey), (request.Id, request.RoutingKey));
        var read = ContractsJson.Read<DescribeText>(request.Body);
        Assert.Equal(("t-2", "a red kite", "clip", "j"), (read.Id, read.Text, read.Model, read.JobId));
        Assert.Throws<InvalidRequestException>(() => texts.FromText(3, new string('x', 70_000)));
    }

    private static ImageRequests Requests() => new(Template, Topology.InteractiveRoutingKey, new RequestIds("p", TimeProvider.System));

    private static DescribeImage Read(OutgoingRequest request) => ContractsJson.Read<DescribeImage>(request.Body);
}
