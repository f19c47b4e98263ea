using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Requests;

namespace VlWorker.Producer.Backfill;

/// <summary>Makes requests of a job's items, and finds the item of an answer.</summary>
/// <remarks>A request's id is the job's name, the item's number and, from the second pass on, that of the pass.</remarks>
internal sealed class RequestComposer(JobSettings settings, TimeProvider time)
{
    private readonly string _prefix = settings.Job + "-";
    private readonly string _suffix = settings.Pass == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $".{settings.Pass}");
    private readonly DescribeImage _template = settings.Template with { JobId = settings.Job };

    /// <summary>The request's id.</summary>
    public string IdOf(long item) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}{item}{_suffix}");

    /// <summary>The item of an id; 0 if it is none of this pass of this job.</summary>
    public long ItemOf(string id, string? job) =>
        job == settings.Job && id.StartsWith(_prefix, StringComparison.Ordinal) && id.EndsWith(_suffix, StringComparison.Ordinal)
            && long.TryParse(id.AsSpan(_prefix.Length)[..^_suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var item) ? item : 0;

    /// <summary>The request's body: UTF-8 JSON.</summary>
    public byte[] Body(JobItem item)
    {
        var own = item.Own is null ? null : ContractsJson.Read<DescribeImage>(Encoding.UTF8.GetBytes(item.Own));
        return ContractsJson.Write((own is null ? _template : _template.With(own)) with
        {
            Id = IdOf(item.Id),
            Image = new ImageReference
            {
                Bucket = item.Bucket,
                Key = item.Key,
                VersionId = own?.Image?.VersionId,
                Etag = settings.IfMatch ? item.Etag : null,
            },
        });
    }

    /// <summary>The request's AMQP properties.</summary>
    public BasicProperties Properties(JobItem item) => RequestPublisher.Properties(IdOf(item.Id), time);
}
