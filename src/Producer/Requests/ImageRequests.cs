using System.Text;
using System.Text.Json;
using VlWorker.Contracts;

namespace VlWorker.Producer.Requests;

/// <summary>Makes requests from keys and lines: what a line does not say comes from the template, the command line's options.</summary>
/// <param name="template">Everything but the id and the key.</param>
/// <param name="routingKey">The lane.</param>
/// <param name="ids">Ids for requests without one.</param>
internal sealed class ImageRequests(DescribeImage template, string routingKey, RequestIds ids)
{
    private const string Scheme = "s3://";

    /// <summary>A line of a list: a key, <c>s3://bucket/key</c>, or a <see cref="DescribeImage"/> as a JSON object.</summary>
    /// <exception cref="InvalidRequestException">It is no valid request.</exception>
    public OutgoingRequest FromLine(long number, string line) =>
        line.StartsWith('{') ? Compose(number, Parse(number, line)) : FromKey(number, line);

    /// <summary>A key, or <c>s3://bucket/key</c>.</summary>
    /// <exception cref="InvalidRequestException">It makes no valid request.</exception>
    public OutgoingRequest FromKey(long number, string key)
    {
        if (!key.StartsWith(Scheme, StringComparison.Ordinal))
            return Compose(number, new DescribeImage { Image = new ImageReference { Key = key } });
        var path = key[Scheme.Length..];
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && slash < path.Length - 1
            ? Compose(number, new DescribeImage { Image = new ImageReference { Bucket = path[..slash], Key = path[(slash + 1)..] } })
            : throw new InvalidRequestException(number, ["an s3:// address needs a bucket and a key"]);
    }

    private static DescribeImage Parse(long number, string line)
    {
        try
        {
            return ContractsJson.Read<DescribeImage>(Encoding.UTF8.GetBytes(line));
        }
        catch (JsonException error)
        {
            throw new InvalidRequestException(number, [error.Message]);
        }
    }

    private OutgoingRequest Compose(long number, DescribeImage own)
    {
        var request = Merge(number, own);
        var errors = request.Validate().ToList();
        errors.AddRange((request.Tasks ?? []).Where(task => !Tasks.All.Contains(task))
            .Select(task => $"'{task}' is no task: the tasks are {string.Join(", ", Tasks.All)}"));
        if (errors.Count > 0)
            throw new InvalidRequestException(number, errors);
        return new OutgoingRequest(number, request.Id!, routingKey, ContractsJson.Write(request));
    }

    private DescribeImage Merge(long number, DescribeImage own) => template.With(own) with
    {
        Id = own.Id ?? template.Id ?? ids.For(number),
        Image = new ImageReference
        {
            Bucket = own.Image?.Bucket ?? template.Image?.Bucket,
            Key = own.Image?.Key,
            VersionId = own.Image?.VersionId ?? template.Image?.VersionId,
            Etag = own.Image?.Etag ?? template.Image?.Etag,
        },
        JobId = own.JobId ?? template.JobId,
    };
}

/// <summary>One request of the input is wrong; the others may be right.</summary>
/// <param name="number">Its place in the input, from 1.</param>
/// <param name="errors">Everything that is wrong with it.</param>
internal sealed class InvalidRequestException(long number, IReadOnlyList<string> errors) : Exception(string.Join("; ", errors))
{
    /// <summary>Place in the input, from 1.</summary>
    public long Number { get; } = number;
}

/// <summary>A request ready to be published.</summary>
/// <param name="Number">Its place in the input, from 1.</param>
/// <param name="Id">Its id.</param>
/// <param name="RoutingKey">Routing key on the requests' exchange.</param>
/// <param name="Body">UTF-8 JSON.</param>
internal sealed record OutgoingRequest(long Number, string Id, string RoutingKey, byte[] Body);
