using System.Net.Sockets;
using System.Security.Authentication;
using System.Xml;
using Amazon.Runtime;
using Amazon.S3;
using VlWorker.Contracts;

namespace VlWorker.Fetching;

/// <summary>Who is to blame for a failed attempt, as far as one attempt can tell.</summary>
internal enum Blame
{
    /// <summary>The object: however often it is tried, the answer is the same.</summary>
    Object,

    /// <summary>The object, unless the store denies everything.</summary>
    Denied,

    /// <summary>The store, if a probe fails the same way; else the object.</summary>
    Unsure,

    /// <summary>Nobody yet: trying again may help.</summary>
    Passing,

    /// <summary>The store.</summary>
    Store,
}

/// <summary>A failed attempt, judged.</summary>
/// <param name="Blame">Who is to blame.</param>
/// <param name="Reason">Of <see cref="RejectionReason"/>, should the object be to blame in the end.</param>
/// <param name="Detail">What happened, for a person; no secrets, no host names.</param>
internal readonly record struct Fault(Blame Blame, string Reason, string Detail);

/// <summary>Judges what the SDK throws.</summary>
internal static class S3Faults
{
    /// <summary>Judges one failed attempt.</summary>
    /// <param name="error">What the SDK, the connection or the body threw.</param>
    /// <param name="missed">What the time ran out for; null if it did not.</param>
    public static Fault Judge(Exception error, string? missed) => error switch
    {
        _ when missed is not null => Passing($"timed out waiting for {missed}"),
        AmazonS3Exception answer => JudgeAnswer(answer),
        RedirectedException => Store(error.Message),
        TimeoutException or OperationCanceledException => Passing("timed out connecting"),
        _ => JudgeConnection(error),
    };

    private static Fault JudgeAnswer(AmazonS3Exception answer)
    {
        var status = (int)answer.StatusCode;
        var said = $"the store answered {status} {answer.ErrorCode}".TrimEnd();
        if (JudgeCode(answer.ErrorCode, said) is { } known)
            return known;
        return status switch
        {
            // Nothing was answered: the SDK wraps what happened to the connection.
            0 when answer.InnerException is { } inner => JudgeConnection(inner),
            403 => new Fault(Blame.Denied, RejectionReason.AccessDenied, said),
            404 => new Fault(Blame.Unsure, RejectionReason.NotFound, said),
            405 => Object(RejectionReason.NotFound, $"{said}: the version is a delete marker"),
            412 => Object(RejectionReason.PreconditionFailed, "the object's entity tag is no longer the one asked for"),
            408 or 429 or >= 500 or < 200 => Passing(said),
            _ => new Fault(Blame.Unsure, RejectionReason.BadRequest, said),
        };
    }

    private static Fault? JudgeCode(string? code, string said) => code switch
    {
        "NoSuchKey" => Object(RejectionReason.NotFound, "there is no such object in the bucket"),
        "NoSuchVersion" => Object(RejectionReason.NotFound, "the object has no such version"),
        "NoSuchBucket" or "InvalidBucketName" => Object(RejectionReason.BucketNotFound, "the bucket does not exist"),
        "PreconditionFailed" => Object(RejectionReason.PreconditionFailed, "the object's entity tag is no longer the one asked for"),
        "InvalidObjectState" => Object(RejectionReason.AccessDenied, "the object is archived: it has to be restored before it can be read"),
        "KeyTooLongError" => Object(RejectionReason.BadRequest, "the key is too long for the store"),
        "AccessDenied" => new Fault(Blame.Denied, RejectionReason.AccessDenied, "the store denies access to the object"),
        "SlowDown" or "RequestTimeout" or "InternalError" or "ServiceUnavailable" => Passing(said),
        "InvalidAccessKeyId" or "SignatureDoesNotMatch" or "ExpiredToken" or "InvalidToken" or "TokenRefreshRequired" or "AccountProblem"
            or "RequestTimeTooSkewed" or "RequestExpired" or "AllAccessDisabled" or "NotSignedUp" or "InvalidSecurity"
            or "AuthorizationHeaderMalformed" or "UserSuspended"
            => new Fault(Blame.Unsure, RejectionReason.AccessDenied, said),
        _ => null,
    };

    private static Fault JudgeConnection(Exception error)
    {
        for (Exception? cause = error; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError }:
                    return Store("the store's host name does not resolve");
                case AuthenticationException or HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }:
                    return Store($"no TLS connection to the store: {cause.Message}");
                case SocketException socket when JudgeSocket(socket.SocketErrorCode) is { } fault:
                    return fault;
                case TimeoutException:
                    return Passing("timed out connecting");
                case AmazonS3Exception { StatusCode: not 0 } answer:
                    return JudgeAnswer(answer);
            }
        }

        return error switch
        {
            IOException or HttpRequestException or SocketException => Passing($"the connection broke: {Innermost(error).Message}"),
            AmazonUnmarshallingException or XmlException => Passing("the store's answer could not be read"),
            AmazonClientException => Store($"no usable credentials: {Innermost(error).Message}"),
            AmazonServiceException => Store($"no usable credentials: {Innermost(error).Message}"),
            _ => Passing($"{error.GetType().Name}: {error.Message}"),
        };
    }

    private static Fault? JudgeSocket(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => Store("the store refuses connections"),
        SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData or SocketError.NoRecovery => Store("the store's host name does not resolve"),
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.HostDown
            or SocketError.AddressNotAvailable => Store("the store can't be reached"),
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable => Store("this machine has no sockets left"),
        _ => null,
    };

    private static Exception Innermost(Exception error) => error.GetBaseException();

    private static Fault Object(string reason, string detail) => new(Blame.Object, reason, detail);

    private static Fault Passing(string detail) => new(Blame.Passing, RejectionReason.NotFound, detail);

    private static Fault Store(string detail) => new(Blame.Store, RejectionReason.NotFound, detail);
}
