using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.S3.Util;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Fetching;

namespace VlWorker.Bench.Fetching;

/// <summary>Objects a second, CPU time and allocations of the S3 store, next to the bare SDK and a bare HTTP client on presigned URLs.</summary>
internal static class FetchCommand
{
    private static readonly Option<string> Store = new("--s3") { Description = "http://ACCESS:SECRET@host:port", Required = true };
    private static readonly Option<int> Size = new("--size") { Description = "Bytes of an object.", DefaultValueFactory = _ => 100 << 10 };
    private static readonly Option<int> Count = new("--count") { Description = "Objects read a round.", DefaultValueFactory = _ => 4000 };
    private static readonly Option<int> Parallel = new("--parallel") { Description = "Objects read at a time.", DefaultValueFactory = _ => 16 };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds, alternating; the median counts.", DefaultValueFactory = _ => 5 };

    private sealed record Work(string Bucket, string[] Keys, int Size, int Count, int Parallel);

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("fetch", "Read objects from an S3 store.") { Store, Size, Count, Parallel, Rounds };
        command.SetAction((result, _) => RunAsync(
            new Uri(result.GetRequiredValue(Store)), result.GetValue(Size), result.GetValue(Count), result.GetValue(Parallel), result.GetValue(Rounds)));
        return command;
    }

    private static async Task RunAsync(Uri uri, int size, int count, int parallel, int rounds)
    {
        var keys = uri.UserInfo.Split(':', 2);
        var endpoint = uri.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);
        var work = new Work($"bench-{Guid.NewGuid():N}", [.. Enumerable.Range(0, 64).Select(i => $"object {i:00}.jpg")], size, count, parallel);
        var options = new StoreOptions { Kind = StoreKind.S3, Endpoint = endpoint, AccessKey = keys[0], SecretKey = keys[1], Buckets = [work.Bucket] };
        var limits = new FetchingOptions { Connections = parallel };
        using var store = new S3ObjectStore(options, limits, new MemoryBudget(limits.BytesInFlight), TimeProvider.System, NullLogger<S3ObjectStore>.Instance);
        using var client = new AmazonS3Client(new BasicAWSCredentials(keys[0], keys[1]), new AmazonS3Config
        {
            ServiceURL = endpoint,
            ForcePathStyle = true,
            AuthenticationRegion = "us-east-1",
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        });
        using var http = new HttpClient();
        await FillAsync(client, work);
        try
        {
            (string Name, Func<string, Task<int>> Read)[] readers =
            [
                ("S3ObjectStore (SHA-256 included)", key => ReadAsync(store, work.Bucket, key)),
                ("AWS SDK, stream to memory", key => ReadAsync(client, work.Bucket, key)),
                ("HttpClient, presigned URLs", Presigned(client, http, work)),
            ];
            await ReportAsync(readers, work, rounds);
        }
        finally
        {
            await AmazonS3Util.DeleteS3BucketWithObjectsAsync(client, work.Bucket);
        }
    }

    private static async Task ReportAsync((string Name, Func<string, Task<int>> Read)[] readers, Work work, int rounds)
    {
        var found = readers.Select(_ => new List<Throughput>()).ToArray();
        for (var round = 0; round <= rounds; round++)
        {
            for (var i = 0; i < readers.Length; i++)
            {
                var figures = await MeasureAsync(readers[i].Read, work);
                if (round > 0) // The first round warms up.
                    found[i].Add(figures);
            }
        }

        var table = new Table().AddColumns("reader", "GET/s", "CPU ms/GET", "allocated KiB/GET");
        for (var i = 0; i < readers.Length; i++)
        {
            var median = Throughput.Median(found[i]);
            table.AddRow(readers[i].Name, Text(median.PerSecond, "F0"), Text(median.Cpu, "F3"), Text(median.Allocated, "F1"));
        }

        AnsiConsole.Write(table);
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static async Task<Throughput> MeasureAsync(Func<string, Task<int>> read, Work work)
    {
        var next = -1;
        var clock = Throughput.Start();
        await Task.WhenAll(Enumerable.Range(0, work.Parallel).Select(async _ =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < work.Count;)
            {
                if (await read(work.Keys[i % work.Keys.Length]) != work.Size)
                    throw new InvalidOperationException("an object came back with another size");
            }
        }));
        return clock.Stop(work.Count);
    }

    private static async Task<int> ReadAsync(S3ObjectStore store, string bucket, string key)
    {
        using var fetched = await store.FetchAsync(new ImageReference { Bucket = bucket, Key = key }, CancellationToken.None);
        return fetched.Content.Length;
    }

    private static async Task<int> ReadAsync(AmazonS3Client client, string bucket, string key)
    {
        using var response = await client.GetObjectAsync(bucket, key);
        return await ReadAsync(response.ResponseStream, (int)response.ContentLength);
    }

    private static Func<string, Task<int>> Presigned(AmazonS3Client client, HttpClient http, Work work)
    {
        var urls = work.Keys.ToDictionary(key => key, key => client.GetPreSignedURL(
            new GetPreSignedUrlRequest { BucketName = work.Bucket, Key = key, Expires = DateTime.UtcNow.AddHours(1), Protocol = Protocol.HTTP }));
        return async key =>
        {
            using var response = await http.GetAsync(urls[key], HttpCompletionOption.ResponseHeadersRead);
            await using var body = await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync();
            return await ReadAsync(body, work.Size);
        };
    }

    private static async Task<int> ReadAsync(Stream body, int length)
    {
        using var buffer = new PooledBuffer(length);
        return await body.ReadAtLeastAsync(buffer.Memory, length, throwOnEndOfStream: false);
    }

    private static async Task FillAsync(AmazonS3Client client, Work work)
    {
        await client.PutBucketAsync(work.Bucket);
        foreach (var key in work.Keys)
        {
            using var content = new MemoryStream(RandomNumberGenerator.GetBytes(work.Size));
            await client.PutObjectAsync(new PutObjectRequest { BucketName = work.Bucket, Key = key, InputStream = content, UseChunkEncoding = false });
        }
    }
}
