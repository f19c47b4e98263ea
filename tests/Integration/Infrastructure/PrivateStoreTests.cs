using Amazon.S3;

namespace VlWorker.Integration.Infrastructure;

/// <summary>Outages that tests make.</summary>
public sealed class PrivateStoreTests
{
    [Fact]
    public async Task Refuses_connections_while_it_is_down_and_serves_the_same_objects_again()
    {
        await using var store = await PrivateStore.StartNewAsync();
        await store.PutAsync("kept", new byte[] { 1, 2, 3 });

        await store.KillAsync();
        using (var http = new HttpClient())
            await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(store.Owner.Endpoint));

        await store.StartAsync();
        Assert.Equal([1, 2, 3], await store.GetAsync("kept"));
    }

    [Fact]
    public async Task A_changed_secret_makes_the_old_one_wrong_until_it_is_mended()
    {
        await using var store = await PrivateStore.StartNewAsync();
        await store.PutAsync("kept", new byte[] { 1 });
        using var fresh = store.Owner.Connect();

        await store.SetOwnerSecretAsync("another-secret");
        await Eventually.TrueAsync("the old secret is refused", async () => !await IsTakenAsync(fresh, store.Bucket));

        await store.SetOwnerSecretAsync(store.Owner.SecretKey);
        await Eventually.TrueAsync("the old secret is taken again", () => IsTakenAsync(fresh, store.Bucket));
    }

    private static async Task<bool> IsTakenAsync(AmazonS3Client client, string bucket)
    {
        try
        {
            (await client.GetObjectAsync(bucket, "kept")).Dispose();
            return true;
        }
        catch (AmazonS3Exception e) when (e.ErrorCode == "SignatureDoesNotMatch")
        {
            return false;
        }
    }
}
