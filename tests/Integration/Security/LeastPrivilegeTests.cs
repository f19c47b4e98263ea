using System.Text.Json;
using Amazon.S3;
using Amazon.S3.Model;
using RabbitMQ.Client.Exceptions;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Security;

/// <summary>What the documents in deploy/ allow is enough, and nothing beyond it is allowed, on the real broker and the real store.</summary>
public sealed class LeastPrivilegeTests(TestBroker broker, TestStore store) : IClassFixture<TestBroker>, IClassFixture<TestStore>
{
    [Theory]
    [InlineData("declares a queue of another system")]
    [InlineData("publishes to an exchange of another system")]
    [InlineData("reads a queue of another system")]
    public async Task The_workers_user_may_touch_nothing_but_its_own_names(string what)
    {
        await broker.UseAsync(async channel =>
        {
            await channel.QueueDeclareAsync("billing", durable: true, exclusive: false, autoDelete: false);
            await channel.ExchangeDeclareAsync("billing", "fanout", durable: true, autoDelete: false);
        });
        await using var limited = await ConnectAsync("worker");
        await using var channel = await limited.CreateChannelAsync();

        var refused = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            switch (what)
            {
                case "declares a queue of another system":
                    await channel.QueueDeclareAsync("vl.other", durable: true, exclusive: false, autoDelete: false);
                    break;
                case "publishes to an exchange of another system":
                    await channel.BasicPublishAsync("billing", "", mandatory: false, new RabbitMQ.Client.BasicProperties(), new byte[] { 1 });
                    // The refusal of a publication comes with the next answer.
                    await channel.QueueDeclarePassiveAsync(Topology.ResultsQueue);
                    break;
                default:
                    await channel.BasicGetAsync("billing", autoAck: false);
                    break;
            }
        });

        Assert.Contains("ACCESS_REFUSED", refused.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("producer", Topology.InteractiveQueue)]
    [InlineData("producer", Topology.DeadLettersQueue)]
    [InlineData("indexer", Topology.InteractiveQueue)]
    [InlineData("autoscaler", Topology.ResultsQueue)]
    public async Task Others_may_not_read_what_is_not_theirs(string user, string queue)
    {
        await broker.UseAsync(channel => channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false));
        await using var limited = await ConnectAsync(user);
        await using var channel = await limited.CreateChannelAsync();

        var refused = await Assert.ThrowsAsync<OperationInterruptedException>(() => channel.BasicGetAsync(queue, autoAck: true));

        Assert.Equal(403, refused.ShutdownReason!.ReplyCode);
    }

    [Fact]
    public async Task The_buckets_policy_lets_the_worker_read_and_list_and_nothing_else()
    {
        await store.PutAsync("a", new byte[] { 1, 2 });
        var policy = (await File.ReadAllTextAsync(Repository.At("deploy", "s3", "bucket-policy.json")))
            .Replace("photos", store.Bucket, StringComparison.Ordinal).Replace("vl-worker", store.Other.AccessKey, StringComparison.Ordinal);
        await store.Client.PutBucketPolicyAsync(new PutBucketPolicyRequest { BucketName = store.Bucket, Policy = policy });
        using var worker = store.Other.Connect();

        using (var read = await worker.GetObjectAsync(store.Bucket, "a"))
            Assert.Equal(2, read.ContentLength);
        Assert.Single((await worker.ListObjectsV2Async(new ListObjectsV2Request { BucketName = store.Bucket })).S3Objects);
        // Without a body: the gateway refuses before it has read one, and takes what is left of it for the connection's next request.
        await DeniedAsync(() => worker.PutObjectAsync(new PutObjectRequest { BucketName = store.Bucket, Key = "b", InputStream = Stream.Null, UseChunkEncoding = false }));
        await DeniedAsync(() => worker.DeleteObjectAsync(store.Bucket, "a"));
        await DeniedAsync(() => worker.DeleteBucketPolicyAsync(new DeleteBucketPolicyRequest { BucketName = store.Bucket }));
        var other = await store.CreateBucketAsync();
        await store.PutAsync("c", new byte[] { 1 }, bucket: other);
        await DeniedAsync(() => worker.GetObjectAsync(other, "c"));
    }

    [Fact]
    public async Task The_policy_for_users_grants_what_the_policy_for_buckets_grants()
    {
        Assert.Equal(await GrantsAsync("bucket-policy.json"), await GrantsAsync("reader-policy.json"));
        Assert.Equal(["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"], (await GrantsAsync("reader-policy.json")).Select(grant => grant.Split(' ')[0]).Order());
    }

    private static async Task DeniedAsync(Func<Task> act) => Assert.Equal("AccessDenied", (await Assert.ThrowsAsync<AmazonS3Exception>(act)).ErrorCode);

    private static async Task<IReadOnlyList<string>> GrantsAsync(string file)
    {
        using var policy = JsonDocument.Parse(await File.ReadAllTextAsync(Repository.At("deploy", "s3", file)));
        return
        [
            .. policy.RootElement.GetProperty("Statement").EnumerateArray().SelectMany(statement => statement.GetProperty("Action").EnumerateArray()
                .Select(action => $"{action} on {statement.GetProperty("Resource")}")),
        ];
    }

    private async Task<RabbitMQ.Client.IConnection> ConnectAsync(string user)
    {
        using var definitions = JsonDocument.Parse(await File.ReadAllTextAsync(Repository.At("deploy", "rabbitmq", "definitions.json")));
        var permission = definitions.RootElement.GetProperty("permissions").EnumerateArray().Single(entry => entry.GetProperty("user").GetString() == user);
        var uri = await LimitedUser.CreateAsync(
            broker, permission.GetProperty("configure").GetString()!, permission.GetProperty("write").GetString()!, permission.GetProperty("read").GetString()!);
        return await new RabbitMQ.Client.ConnectionFactory { Uri = uri, AutomaticRecoveryEnabled = false }.CreateConnectionAsync();
    }
}
