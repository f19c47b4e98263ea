using System.Text;
using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Publishing;

namespace VlWorker.Worker.Tests.Consuming;

public sealed class RequestReaderTests
{
    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("{\"id\":")]
    [InlineData("{} {}")]
    public void What_is_no_JSON_object_is_malformed(string body)
    {
        var delivery = Deliver(Encoding.UTF8.GetBytes(body));

        RequestReader.ReadImage(delivery);

        Assert.IsType<MalformedException>(delivery.Unreadable);
    }

    [Fact]
    public void Invalid_UTF8_is_never_an_exception()
    {
        var delivery = Deliver([.. "{\"id\":\""u8, 0xC3, 0x28, .. "\"}"u8]);

        RequestReader.ReadImage(delivery);

        Assert.NotNull(delivery.Unreadable);
    }

    [Fact]
    public void A_field_of_the_wrong_kind_is_the_senders_fault_and_the_rest_is_salvaged()
    {
        var delivery = Deliver("""{"id":"i","jobId":"j","image":{"bucket":"b","key":"k"},"context":{"a":"b"},"tasks":"caption"}"""u8.ToArray());

        var request = RequestReader.ReadImage(delivery);

        var error = Assert.IsType<RejectedException>(delivery.Unreadable);
        Assert.Equal(RejectionReason.BadRequest, error.Reason);
        Assert.Contains("$.tasks", error.Message, StringComparison.Ordinal);
        Assert.Equal(("i", "j", "k", "b"), (request.Id, request.JobId, request.Image!.Key, request.Context!["a"]));
    }

    [Theory]
    [InlineData("\uFEFF", "\"x\"")]
    [InlineData("", "DEEP")]
    public void So_it_is_behind_a_byte_order_mark_and_before_what_is_nested_too_deeply(string before, string tasks)
    {
        var (deep, image) = (Nested(RequestLimits.MessageBytes / 3), Nested(1000));
        var delivery = Deliver(Encoding.UTF8.GetBytes($$"""{{before}}{"image":{{image}},"tasks":{{tasks.Replace("DEEP", deep, StringComparison.Ordinal)}},"id":"i"}"""));

        var request = RequestReader.ReadImage(delivery);

        Assert.Equal(RejectionReason.BadRequest, Assert.IsType<RejectedException>(delivery.Unreadable).Reason);
        Assert.Equal(("i", null), (request.Id, request.Image));

        static string Nested(int depth) => new string('[', depth) + new string(']', depth);
    }

    [Fact]
    public void What_can_not_be_salvaged_is_left_out()
    {
        var delivery = Deliver("""{"id":7,"jobId":{},"image":[],"context":3}"""u8.ToArray());

        var request = RequestReader.ReadImage(delivery);

        Assert.Equal(new DescribeImage(), request);
        Assert.IsType<RejectedException>(delivery.Unreadable);
    }

    [Fact]
    public void A_message_of_more_than_a_mebibyte_is_not_even_parsed()
    {
        var delivery = Deliver(new byte[RequestLimits.MessageBytes + 1]);

        RequestReader.ReadText(delivery);

        Assert.Equal(RejectionReason.BadRequest, Assert.IsType<RejectedException>(delivery.Unreadable).Reason);
    }

    [Theory]
    [InlineData("", "\"}")]
    [InlineData("", "\", \"id\": ")]
    [InlineData("\uFEFF", "\"}")]
    public void Its_rejection_says_which_request_it_was(string before, string after)
    {
        const string Start = """{"id":"big","jobId":"job","image":{"bucket":"b","key":"k"},"context":{"a":"1"},"x":{"id":"no"},"prompt":" """;
        var delivery = Deliver(Encoding.UTF8.GetBytes(before + Start + new string('y', RequestLimits.MessageBytes) + after));

        var request = RequestReader.ReadImage(delivery);

        Assert.Equal(RejectionReason.BadRequest, Assert.IsType<RejectedException>(delivery.Unreadable).Reason);
        Assert.Equal(("big", "job", "k", "1"), (request.Id, request.JobId, request.Image?.Key, request.Context?["a"]));
    }

    [Fact]
    public void Large_values_are_left_out()
    {
        var delivery = Deliver(Encoding.UTF8.GetBytes($$"""{"jobId": "job", "id": "{{new string('y', RequestLimits.MessageBytes)}}"}"""));
        var request = RequestReader.ReadImage(delivery);
        Assert.Equal((null, "job"), (request.Id, request.JobId));
    }

    [Fact]
    public void A_rejection_repeats_no_more_of_a_request_than_is_valid()
    {
        var request = new DescribeImage
        {
            Id = new string('x', 5000),
            JobId = new string('y', 5000),
            Context = new Dictionary<string, string> { ["k"] = new string('z', 5000) },
        };

        var rejection = RequestFacts.Of(request, Deliver([])).Reject(new RejectedException(RejectionReason.BadRequest, "too long"), DateTimeOffset.UnixEpoch);

        Assert.Equal((255, 255), (rejection.Id.Length, rejection.JobId!.Length));
        Assert.Null(rejection.Context);
    }

    private static Delivery Deliver(byte[] body) =>
        new(new Lane(LaneKind.Interactive, Topology.InteractiveQueue, Topology.InteractiveRoutingKey, 1), body, new MessageProperties());
}
