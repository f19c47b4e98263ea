using System.Globalization;
using VlWorker.Contracts;
using VlWorker.Integration.Faults;

namespace VlWorker.Integration.EndToEnd;

/// <summary>
/// Everything that can be wrong with one message, against the real broker and store: exactly one rejection or one dead letter, with
/// its reason, and the good messages around it are described as if nothing had been.
/// </summary>
public sealed class BadInputTests(BadInputFixture bench) : IClassFixture<BadInputFixture>
{
    private static int _last;

    public static TheoryData<string, string> Objects => new()
    {
        { "no-such-key.jpg", RejectionReason.NotFound },
        { "denied.jpg", RejectionReason.AccessDenied },
        { "empty.jpg", RejectionReason.Empty },
        { "truncated.jpg", RejectionReason.Corrupt },
        { "text.jpg", RejectionReason.UnsupportedFormat },
        { "bomb.jpg", RejectionReason.TooManyPixels },
        { "bomb.png", RejectionReason.TooManyPixels },
        { "large.jpg", RejectionReason.TooLarge },
    };

    public static TheoryData<string, string> Requests => new()
    {
        { """{"id":"ID","image":{"bucket":"BUCKET"}}""", RejectionReason.BadRequest },
        { """{"id":"ID"}""", RejectionReason.BadRequest },
        { """{"id":"ID","image":"good.jpg"}""", RejectionReason.BadRequest },
        { """{"id":"ID","image":{"bucket":"BUCKET","key":"good.jpg"},"tasks":["paint"]}""", RejectionReason.UnsupportedTask },
        { """{"id":"ID","image":{"bucket":"BUCKET","key":"good.jpg"},"models":{"caption":"nobody"}}""", RejectionReason.UnknownModel },
        { """{"id":"ID","image":{"bucket":"BUCKET","key":"good.jpg"},"prompt":"a picture of"}""", RejectionReason.PromptNotSupported },
        { """{"id":"ID","image":{"bucket":"BUCKET","key":"good.jpg"},"generation":{"numBeams":99}}""", RejectionReason.BadRequest },
        { """{"id":"ID","image":{"bucket":"BUCKET","key":"good.jpg"},"deadline":"2020-01-01T00:00:00Z"}""", RejectionReason.Expired },
        { """{"id":"ID","image":{"bucket":"BUCKET","key":"good.jpg","etag":"00000000000000000000000000000000"}}""", RejectionReason.PreconditionFailed },
        { """{"id":"ID","image":{"bucket":"MISSING","key":"good.jpg"}}""", RejectionReason.BucketNotFound },
        { """{"id":"ID","image":{"bucket":"somebody-elses","key":"good.jpg"}}""", RejectionReason.BucketNotAllowed },
        { """{"id":"ID","image":{"bucket":"BUCKET","key":"../somebody-elses/good.jpg"}}""", RejectionReason.NotFound },
        { """{"id":"ID","image":IMAGE,"tasks":["answer"],"models":{"answer":"demo-captioner"},"prompt":"How many?"}""", RejectionReason.UnsupportedTask },
        { """{"id":"ID","image":IMAGE,"tasks":["answer"],"prompt":" "}""", RejectionReason.BadRequest },
        { """{"id":"ID","image":IMAGE,"tasks":["answer"],"prompt":"MEBIBYTE"}""", RejectionReason.BadRequest },
        { """{"id":"ID","image":IMAGE,"moreImages":[NINETEEN]}""", RejectionReason.BadRequest },
        { """{"id":"ID","image":IMAGE,"tasks":["classify"],"labels":[MANY]}""", RejectionReason.BadRequest },
        { """{"id":"ID","image":IMAGE,"tasks":["classify"],"labels":["cat","","cat"]}""", RejectionReason.BadRequest },
        { """{"id":"ID","image":IMAGE,"generation":{"temperature":0,"stop":[""]}}""", RejectionReason.BadRequest },
    };

    [Theory]
    [MemberData(nameof(Objects))]
    public Task A_bad_object_is_rejected_alone(string key, string reason) =>
        RejectedAmongGoodOnes($$$"""{"id":"ID","image":{"bucket":"BUCKET","key":"{{{key}}}"}}""", reason);

    [Theory]
    [MemberData(nameof(Requests))]
    public Task A_bad_request_is_rejected_alone(string body, string reason) => RejectedAmongGoodOnes(body, reason);

    [Theory]
    [InlineData("{\"id\":\"ID\",\"image\":{")]
    [InlineData("")]
    [InlineData("[1,2,3]")]
    public async Task What_is_no_request_at_all_becomes_a_dead_letter(string body)
    {
        var letter = await BuriedAmongGoodOnes(body.Replace("ID", NewId(), StringComparison.Ordinal));
        Assert.Equal("malformed-json", letter.Header(Topology.DeadReasonHeader));
        Assert.NotEmpty(letter.Header(Topology.DeadErrorHeader)!);
    }

    [Fact]
    public async Task A_body_that_stalls_becomes_a_dead_letter()
    {
        bench.Proxy.Plan = new FaultPlan { Matches = line => line.Contains("stall.jpg", StringComparison.Ordinal), StallAfter = 2000 };
        var letter = await BuriedAmongGoodOnes(Request(NewId(), "stall.jpg"));
        Assert.Equal("attempts-exhausted", letter.Header(Topology.DeadReasonHeader));
        bench.Proxy.Plan = FaultPlan.None;
    }

    [Fact]
    public async Task A_body_that_is_cut_in_the_middle_becomes_a_dead_letter()
    {
        bench.Proxy.Plan = new FaultPlan { Matches = line => line.Contains("cut.jpg", StringComparison.Ordinal), CutAfter = 2000 };
        var letter = await BuriedAmongGoodOnes(Request(NewId(), "cut.jpg"));
        Assert.Equal("attempts-exhausted", letter.Header(Topology.DeadReasonHeader));
        bench.Proxy.Plan = FaultPlan.None;
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/octet-stream")]
    public async Task A_request_without_the_right_content_type_is_taken_as_JSON(string? contentType)
    {
        var id = NewId();
        await bench.Client.PublishAsync(Request(id, "good.jpg"), contentType: contentType);
        Assert.NotNull((await bench.Client.AwaitAsync(id)).Image);
    }

    private static string NewId() => "bad-" + Interlocked.Increment(ref _last).ToString(CultureInfo.InvariantCulture);

    private string Request(string id, string key) => $$$"""{"id":"{{{id}}}","image":{"bucket":"{{{bench.Store.Bucket}}}","key":"{{{key}}}"}}""";

    // Too long for test names.
    private static string Written(string body) =>
        body.Replace("NINETEEN", string.Join(',', Enumerable.Repeat("IMAGE", 19)), StringComparison.Ordinal)
            .Replace("IMAGE", """{"bucket":"BUCKET","key":"good.jpg"}""", StringComparison.Ordinal)
            .Replace("MANY", string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"\"{i}\"")), StringComparison.Ordinal)
            .Replace("MEBIBYTE", new string('?', RequestLimits.MessageBytes), StringComparison.Ordinal);

    private async Task RejectedAmongGoodOnes(string body, string reason)
    {
        var id = NewId();
        var good = await PublishAmongGoodOnes(Written(body.Replace("ID", id, StringComparison.Ordinal))
            .Replace("BUCKET", bench.Store.Bucket, StringComparison.Ordinal).Replace("MISSING", bench.MissingBucket, StringComparison.Ordinal));
        var rejection = (await bench.Client.AwaitAsync(id)).Rejection;
        Assert.Equal(reason, rejection?.Reason);
        Assert.NotEmpty(rejection!.Detail);
        await GoodOnesAreDescribed(good);
        Assert.Single(bench.Client.Answers[id]);
        Assert.Equal(0u, await bench.Broker.CountAsync(Topology.DeadLettersQueue));
    }

    private async Task<Infrastructure.ReceivedMessage> BuriedAmongGoodOnes(string body)
    {
        var good = await PublishAmongGoodOnes(body);
        await GoodOnesAreDescribed(good);
        var letter = Assert.Single(await bench.Broker.TakeAsync(Topology.DeadLettersQueue, 1));
        Assert.Equal(body, letter.Text);
        Assert.Equal(0u, await bench.Broker.CountAsync(Topology.DeadLettersQueue));
        return letter;
    }

    private async Task<IReadOnlyList<string>> PublishAmongGoodOnes(string body)
    {
        var good = Enumerable.Range(0, 8).Select(_ => NewId()).ToArray();
        foreach (var id in good.Take(4))
            await bench.Client.PublishAsync(Request(id, "good.jpg"));
        await bench.Client.PublishAsync(body);
        foreach (var id in good.Skip(4))
            await bench.Client.PublishAsync(Request(id, "good.jpg"));
        return good;
    }

    private async Task GoodOnesAreDescribed(IReadOnlyList<string> ids)
    {
        await bench.Client.AwaitAsync(ids);
        foreach (var id in ids)
            Assert.Equal("a horse to the left of some popcorn on a blue background", Assert.Single(bench.Client.Answers[id]).Image?.Outputs[0].Caption?.Text);
        Assert.False(bench.Worker.HasExited);
    }
}
