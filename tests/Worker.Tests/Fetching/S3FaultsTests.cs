using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.S3;
using VlWorker.Contracts;
using VlWorker.Fetching;

namespace VlWorker.Worker.Tests.Fetching;

public sealed class S3FaultsTests
{
    [Theory]
    [InlineData("NoSuchKey", 404, "Object", RejectionReason.NotFound)]
    [InlineData("NoSuchVersion", 404, "Object", RejectionReason.NotFound)]
    [InlineData("NoSuchBucket", 404, "Object", RejectionReason.BucketNotFound)]
    [InlineData("PreconditionFailed", 412, "Object", RejectionReason.PreconditionFailed)]
    [InlineData("", 412, "Object", RejectionReason.PreconditionFailed)]
    [InlineData("MethodNotAllowed", 405, "Object", RejectionReason.NotFound)]
    [InlineData("InvalidObjectState", 403, "Object", RejectionReason.AccessDenied)]
    [InlineData("KeyTooLongError", 400, "Object", RejectionReason.BadRequest)]
    [InlineData("AccessDenied", 403, "Denied", RejectionReason.AccessDenied)]
    [InlineData("Forbidden", 403, "Denied", RejectionReason.AccessDenied)]
    [InlineData("NotFound", 404, "Unsure", RejectionReason.NotFound)]
    [InlineData("SomethingNew", 400, "Unsure", RejectionReason.BadRequest)]
    [InlineData("SomethingNew", 418, "Unsure", RejectionReason.BadRequest)]
    public void An_answer_about_the_object_rejects_it(string code, int status, string blame, string reason)
    {
        var fault = S3Faults.Judge(Answer(code, status), missed: null);
        Assert.Equal((blame, reason), (fault.Blame.ToString(), fault.Reason));
    }

    [Theory]
    [InlineData("InvalidAccessKeyId", 403)]
    [InlineData("SignatureDoesNotMatch", 403)]
    [InlineData("RequestTimeTooSkewed", 403)]
    [InlineData("ExpiredToken", 400)]
    [InlineData("ExpiredToken", 403)]
    [InlineData("InvalidToken", 400)]
    [InlineData("TokenRefreshRequired", 400)]
    [InlineData("AuthorizationHeaderMalformed", 400)]
    [InlineData("UserSuspended", 403)]
    public void An_answer_about_the_credentials_is_probed(string code, int status) =>
        Assert.Equal(Blame.Unsure, S3Faults.Judge(Answer(code, status), missed: null).Blame);

    [Theory]
    [InlineData("SlowDown", 503)]
    [InlineData("ServiceUnavailable", 503)]
    [InlineData("InternalError", 500)]
    [InlineData("", 502)]
    [InlineData("", 504)]
    [InlineData("TooManyRequests", 429)]
    [InlineData("RequestTimeout", 400)]
    public void An_answer_that_may_change_is_tried_again(string code, int status) =>
        Assert.Equal(Blame.Passing, S3Faults.Judge(Answer(code, status), missed: null).Blame);

    public static TheoryData<string, Exception> Unreachable => new()
    {
        { "resolve", new HttpRequestException(HttpRequestError.NameResolutionError) },
        { "resolve", new HttpRequestException(HttpRequestError.ConnectionError, "x", new SocketException((int)SocketError.HostNotFound)) },
        { "refuses", new HttpRequestException(HttpRequestError.ConnectionError, "x", new SocketException((int)SocketError.ConnectionRefused)) },
        { "reached", new HttpRequestException(HttpRequestError.ConnectionError, "x", new SocketException((int)SocketError.NetworkUnreachable)) },
        { "reached", new HttpRequestException(HttpRequestError.ConnectionError, "x", new SocketException((int)SocketError.HostUnreachable)) },
        { "sockets", new HttpRequestException(HttpRequestError.ConnectionError, "x", new SocketException((int)SocketError.TooManyOpenSockets)) },
        { "TLS", new HttpRequestException(HttpRequestError.SecureConnectionError) },
        { "TLS", new IOException("x", new AuthenticationException("expired certificate")) },
        { "credentials", new AmazonClientException("Failed to resolve AWS credentials.") },
        { "points to", new RedirectedException(307, new Uri("http://elsewhere/")) },
    };

    [Theory]
    [MemberData(nameof(Unreachable))]
    public void A_store_that_can_not_be_reached_is_at_fault(string word, Exception error)
    {
        var fault = S3Faults.Judge(error, missed: null);
        Assert.Equal(Blame.Store, fault.Blame);
        Assert.Contains(word, fault.Detail, StringComparison.Ordinal);
    }

    public static TheoryData<Exception> Broken => new(
        new IOException("x", new SocketException((int)SocketError.ConnectionReset)),
        new HttpRequestException(HttpRequestError.ResponseEnded),
        new HttpIOException(HttpRequestError.ResponseEnded),
        new EndOfStreamException(),
        new TimeoutException(),
        new TaskCanceledException("x", new TimeoutException()),
        new System.Xml.XmlException(),
        new AmazonUnmarshallingException("id", "x", new InvalidOperationException()));

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_connection_that_breaks_is_tried_again(Exception error) =>
        Assert.Equal(Blame.Passing, S3Faults.Judge(error, missed: null).Blame);

    [Fact]
    public void Time_that_ran_out_says_for_what()
    {
        var fault = S3Faults.Judge(new OperationCanceledException(), "more of the body");
        Assert.Equal((Blame.Passing, "timed out waiting for more of the body"), (fault.Blame, fault.Detail));
    }

    private static AmazonS3Exception Answer(string code, int status) =>
        new("x", ErrorType.Sender, code, "request", (HttpStatusCode)status);
}
