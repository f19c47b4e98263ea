using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Diagnostics;
using VlWorker.Fetching;
using VlWorker.Integration.Infrastructure;
using VlWorker.Integration.Security;
using VlWorker.Publishing;

namespace VlWorker.Integration.Diagnostics;

/// <summary>Each thing that can be wrong with broker and store, provoked on the real ones.</summary>
public sealed class DoctorTests(DoctorFixture doctor) : IClassFixture<DoctorFixture>
{
    [Fact]
    public async Task A_broker_with_the_topology_and_a_readable_bucket_are_fine()
    {
        await DeclareAsync();
        await doctor.Store.PutAsync("a", new byte[] { 1 });

        var result = await doctor.RunAsync();

        Assert.True(result.Code == 0, result.Text);
        Assert.Contains(result.Of("broker"), finding => finding.Verdict == "OK" && finding.Detail.Contains("RabbitMQ ", StringComparison.Ordinal));
        Assert.Equal([("OK", $"{Topology.Exchanges.Count} exchanges and {Topology.Queues.Count} queues are as the worker declares them", "")], result.Of("topology"));
        Assert.Equal([("OK", $"bucket '{doctor.Store.Bucket}' can be listed and read", "")], result.Of("store"));
        Assert.Equal([("OK", "within 5 s of the store's", "")], result.Of("clock"));
        Assert.DoesNotContain(doctor.Store.Owner.SecretKey, result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_queue_is_a_warning_and_the_doctor_does_not_declare_it()
    {
        await DeclareAsync();
        await doctor.Broker.UseAsync(channel => channel.QueueDeleteAsync(Topology.TextQueue));

        for (var time = 0; time < 2; time++)
        {
            var finding = Assert.Single((await doctor.RunAsync()).Of("topology"));
            Assert.Equal(("WARN", $"queue '{Topology.TextQueue}' is missing"), (finding.Verdict, finding.Detail));
        }
    }

    [Fact]
    public async Task A_queue_that_is_declared_otherwise_fails_and_stays_as_it_is()
    {
        await DeclareAsync();
        await doctor.Broker.UseAsync(async channel =>
        {
            await channel.QueueDeleteAsync(Topology.BackfillQueue);
            await channel.QueueDeclareAsync(Topology.BackfillQueue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
        });
        try
        {
            (await doctor.RunAsync()).Failed("topology", $"queue '{Topology.BackfillQueue}' is declared otherwise", "empty and delete it");
        }
        finally
        {
            await doctor.Broker.PurgeAsync(Topology.BackfillQueue);
            await doctor.Broker.UseAsync(channel => channel.QueueDeleteAsync(Topology.BackfillQueue));
        }
    }

    [Fact]
    public async Task A_wrong_password_fails_without_being_shown()
    {
        var uri = new UriBuilder(doctor.Broker.Uri) { Password = "not-the-password" }.Uri;

        var result = await doctor.RunAsync($"--Broker:Uri={uri}");

        result.Failed("broker", "refuses the user or the password", "Broker:PasswordFile");
        Assert.DoesNotContain("not-the-password", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_that_is_not_there_and_a_virtual_host_that_is_not_there_fail()
    {
        (await doctor.RunAsync($"--Broker:Uri=amqp://guest:guest@127.0.0.1:{Ports.Free()}/")).Failed("broker", "not reachable", "Start the broker");
        (await doctor.RunAsync($"--Broker:Uri={new UriBuilder(doctor.Broker.Uri) { Path = "/no-such-host" }.Uri}")).Failed("broker", "denies access", "virtual host");
    }

    [Fact]
    public async Task A_bucket_that_is_not_there_and_one_without_permission_fail()
    {
        (await doctor.RunAsync("--Store:Buckets:0=no-such-bucket-here")).Failed("store", "the bucket does not exist", "Make the bucket");
        (await doctor.RunAsync($"--Store:AccessKey={doctor.Store.Other.AccessKey}", $"--Store:SecretKey={doctor.Store.Other.SecretKey}"))
            .Failed("store", "denies access", "s3:ListBucket");
    }

    [Fact]
    public async Task An_object_that_may_not_be_read_fails_though_it_may_be_listed()
    {
        var bucket = await doctor.Store.CreateBucketAsync();
        await doctor.Store.PutAsync("secret", new byte[] { 1 }, bucket: bucket);
        await doctor.Store.LetOtherReadAsync(bucket, "secret");

        var result = await doctor.RunAsync(
            $"--Store:Buckets:0={bucket}", $"--Store:AccessKey={doctor.Store.Other.AccessKey}", $"--Store:SecretKey={doctor.Store.Other.SecretKey}");

        result.Failed("store", "can't be read", "s3:GetObject");
    }

    [Fact]
    public async Task A_wrong_key_and_a_store_that_is_not_there_fail()
    {
        (await doctor.RunAsync("--Store:SecretKey=wrong-secret")).Failed("store", "SignatureDoesNotMatch", "Store:SecretKey");
        var gone = await doctor.RunAsync($"--Store:Endpoint=http://127.0.0.1:{Ports.Free()}");
        gone.Failed("store", "refuses connections", "Start the store");
        Assert.Equal("WARN", Assert.Single(gone.Of("clock")).Verdict);
    }

    [Theory]
    [InlineData(20, "FAIL", "ahead of")]
    [InlineData(1, "WARN", "ahead of")]
    [InlineData(-20, "FAIL", "behind")]
    public async Task A_clock_that_differs_from_the_stores_is_found(int minutes, string verdict, string detail)
    {
        var time = new ShiftedClock(TimeSpan.FromMinutes(minutes));
        var options = new StoreOptions
        {
            Endpoint = doctor.Store.Owner.Endpoint.ToString(),
            AccessKey = doctor.Store.Owner.AccessKey,
            SecretKey = doctor.Store.Owner.SecretKey,
            Buckets = [doctor.Store.Bucket],
        };

        var finding = Assert.Single(await new ClockCheck(options, new FetchingOptions(), time).RunAsync(CancellationToken.None));

        Assert.Equal(verdict, finding.Verdict.ToString().ToUpperInvariant());
        Assert.Contains(detail, finding.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_without_permissions_fails()
    {
        await DeclareAsync();
        var user = await LimitedUser.CreateAsync(doctor.Broker, configure: "^$", write: "^$", read: "^$");

        var result = await doctor.RunAsync($"--Broker:Uri={user}");

        Assert.Equal(1, result.Code);
        Assert.All(result.Of("topology"), finding => Assert.Contains("definitions.json", finding.Remedy, StringComparison.Ordinal));
    }

    private sealed class ShiftedClock(TimeSpan shift) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + shift;
    }

    private async Task DeclareAsync()
    {
        await using var connection = await doctor.Broker.ConnectAsync();
        await new TopologyDeclarer(new PublishingOptions()).DeclareAsync(connection, CancellationToken.None);
    }
}
