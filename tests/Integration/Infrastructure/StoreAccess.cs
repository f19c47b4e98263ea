using System.Globalization;
using System.Text.Json;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace VlWorker.Integration.Infrastructure;

/// <summary>The address of an S3 store and one user's keys.</summary>
public sealed record StoreUser(Uri Endpoint, string AccessKey, string SecretKey)
{
    /// <summary>Reads http://ACCESS:SECRET@host:port.</summary>
    public static StoreUser Parse(string uri)
    {
        var parsed = new Uri(uri);
        var keys = parsed.UserInfo.Split(':', 2);
        if (keys.Length != 2)
            throw new FormatException("A store is given as http://ACCESS:SECRET@host:port");
        var endpoint = new UriBuilder(parsed) { UserName = "", Password = "", Path = "/" }.Uri;
        return new StoreUser(endpoint, Uri.UnescapeDataString(keys[0]), Uri.UnescapeDataString(keys[1]));
    }

    /// <summary>A client with these keys, set up for stores that are not Amazon's; the caller owns it.</summary>
    public AmazonS3Client Connect() => new(new BasicAWSCredentials(AccessKey, SecretKey), new AmazonS3Config
    {
        ServiceURL = Endpoint.ToString(),
        ForcePathStyle = true,
        AuthenticationRegion = "us-east-1",
        RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
        ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
    });
}

/// <summary>What tests do with a store: put and delete objects, make buckets, let the second user read some of it.</summary>
public abstract class StoreAccess : IDisposable
{
    private StoreUser? _owner;
    private StoreUser? _other;
    private AmazonS3Client? _client;

    /// <summary>The user who owns the buckets.</summary>
    public StoreUser Owner => _owner ?? throw new InvalidOperationException("The store has not been started");

    /// <summary>A second user, who may read nothing unless <see cref="LetOtherReadAsync"/> says so.</summary>
    public StoreUser Other => _other ?? throw new InvalidOperationException("This store has no second user: set VLWORKER_TEST_S3_OTHER");

    /// <summary>A client of <see cref="Owner"/>.</summary>
    public AmazonS3Client Client => _client ?? throw new InvalidOperationException("The store has not been started");

    /// <summary>A bucket of this test class's own.</summary>
    public string Bucket { get; private set; } = "";

    /// <summary>Makes another bucket, deleted by nobody: the store is a throw-away one, or the name is in the caller's hand.</summary>
    public async Task<string> CreateBucketAsync(string? name = null)
    {
        var bucket = name ?? $"test-{Guid.NewGuid():N}";
        await Client.PutBucketAsync(bucket);
        return bucket;
    }

    /// <summary>Stores an object in <see cref="Bucket"/> or another one; returns its entity tag without quotes.</summary>
    public async Task<string> PutAsync(string key, ReadOnlyMemory<byte> content, string contentType = "application/octet-stream", string? bucket = null)
    {
        using var body = new MemoryStream(content.ToArray());
        var put = new PutObjectRequest { BucketName = bucket ?? Bucket, Key = key, InputStream = body, ContentType = contentType, UseChunkEncoding = false };
        return (await Client.PutObjectAsync(put)).ETag.Trim('"');
    }

    /// <summary>Stores a file.</summary>
    public async Task<string> PutFileAsync(string key, string path, string? bucket = null) =>
        await PutAsync(key, await File.ReadAllBytesAsync(path), bucket: bucket);

    /// <summary>Reads an object whole.</summary>
    public async Task<byte[]> GetAsync(string key, string? bucket = null)
    {
        using var response = await Client.GetObjectAsync(bucket ?? Bucket, key);
        using var content = new MemoryStream();
        await response.ResponseStream.CopyToAsync(content);
        return content.ToArray();
    }

    /// <summary>Deletes an object.</summary>
    public Task DeleteAsync(string key, string? bucket = null) => Client.DeleteObjectAsync(bucket ?? Bucket, key);

    /// <summary>Lets <see cref="Other"/> read all of the bucket but the given keys.</summary>
    public async Task LetOtherReadAsync(string? bucket = null, params string[] exceptKeys)
    {
        var name = bucket ?? Bucket;
        var who = new { AWS = string.Create(CultureInfo.InvariantCulture, $"arn:aws:iam:::user/{Other.AccessKey}") };
        var objects = $"arn:aws:s3:::{name}/*";
        var statements = new List<object>
        {
            new { Effect = "Allow", Principal = who, Action = new[] { "s3:GetObject", "s3:GetObjectVersion" }, Resource = new[] { objects } },
            new { Effect = "Allow", Principal = who, Action = new[] { "s3:ListBucket" }, Resource = new[] { $"arn:aws:s3:::{name}" } },
        };
        if (exceptKeys.Length > 0)
            statements.Add(new { Effect = "Deny", Principal = who, Action = new[] { "s3:GetObject", "s3:GetObjectVersion" }, Resource = exceptKeys.Select(key => $"arn:aws:s3:::{name}/{key}").ToArray() });
        var policy = JsonSerializer.Serialize(new { Version = "2012-10-17", Statement = statements });
        await Client.PutBucketPolicyAsync(new PutBucketPolicyRequest { BucketName = name, Policy = policy });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _client?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Which store this is from now on; makes <see cref="Bucket"/>.</summary>
    protected async Task AttachAsync(StoreUser owner, StoreUser? other)
    {
        ArgumentNullException.ThrowIfNull(owner);
        (_owner, _other) = (owner, other);
        _client?.Dispose();
        _client = owner.Connect();
        Bucket = await CreateBucketAsync();
    }
}
