using System.Text.Json;
using System.Text.Json.Serialization;
using VlWorker.Contracts;

namespace VlWorker.Producer.Jobs;

/// <summary>What a job is, kept in its file so that it can be taken up again with nothing but the file.</summary>
internal sealed record JobSettings
{
    /// <summary>The job's id in every request.</summary>
    public required string Job { get; init; }

    /// <summary>Where the images are named.</summary>
    public required SourceSettings Source { get; init; }

    /// <summary>Everything of a request but the id and the image.</summary>
    public required DescribeImage Template { get; init; }

    /// <summary>Whether an object is described only if it still has the listed entity tag.</summary>
    public bool IfMatch { get; init; }

    /// <summary>Later passes over the source so far: part of a request's id, so that no answer to an earlier pass is taken for one to this.</summary>
    public int Pass { get; init; }

    /// <summary>Tasks of a request: as many results an item has.</summary>
    [JsonIgnore]
    public int TaskCount => Template.Tasks?.Count ?? Tasks.Default.Count;

    /// <summary>The settings as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, JobJson.Default.JobSettings);

    /// <summary>Reads them.</summary>
    /// <exception cref="JsonException">They are no such settings.</exception>
    public static JobSettings Parse(string json) =>
        JsonSerializer.Deserialize(json, JobJson.Default.JobSettings) ?? throw new JsonException("no settings");
}

/// <summary>Where the images are named: exactly one of a prefix in a bucket, a manifest and a folder.</summary>
internal sealed record SourceSettings
{
    /// <summary>The bucket that is listed, or that a manifest's lines or a folder's files are in.</summary>
    public string? Bucket { get; init; }

    /// <summary>Only keys that begin so.</summary>
    public string? Prefix { get; init; }

    /// <summary>A file that lists images.</summary>
    public string? Manifest { get; init; }

    /// <summary>The manifest's form: of <c>jsonl</c>, <c>csv</c>, <c>parquet</c>, <c>keys</c>; null goes by the file's name.</summary>
    public string? ManifestFormat { get; init; }

    /// <summary>A folder whose files are the images.</summary>
    public string? Folder { get; init; }

    /// <summary>Only keys that match one of these patterns; empty for all.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Ends after so many, or null.</summary>
    public long? Limit { get; init; }

    /// <summary>In a few words.</summary>
    public override string ToString() => Manifest ?? Folder ?? $"s3://{Bucket}/{Prefix}";
}

/// <summary>How settings become JSON and back.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JobSettings))]
internal sealed partial class JobJson : JsonSerializerContext;
