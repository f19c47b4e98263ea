using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Security;

/// <summary>The real store behind TLS, with and without certificates of clients.</summary>
public sealed class StoreTlsTests(TestStore store) : IClassFixture<TestStore>, IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _other = new();

    public void Dispose()
    {
        _authority.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task An_object_is_read_over_tls_and_over_mutual_tls_with_the_secret_in_a_file()
    {
        await store.PutAsync("a", Encoding.UTF8.GetBytes("content"));
        var client = _authority.Issue("client", client: true);
        var secret = Path.Combine(_authority.Folder, "secret");
        await File.WriteAllTextAsync(secret, store.Owner.SecretKey + "\n");
        await using var front = TlsFront.Start(store.Owner.Endpoint, _authority.Issue("server"));
        await using var mutual = TlsFront.Start(store.Owner.Endpoint, _authority.Issue("server-2"), _authority.CaFile);

        Assert.Equal("content", await ReadAsync(Options(front)));
        Assert.Equal("content", await ReadAsync(Options(mutual) with
        {
            SecretKey = null,
            SecretKeyFile = secret,
            ClientCertificateFile = client.Certificate,
            ClientKeyFile = client.Key,
        }));
        Assert.True(front.Accepted > 0 && mutual.Accepted > 0);
    }

    [Theory]
    [InlineData("another authority")]
    [InlineData("the system's authorities")]
    [InlineData("another name")]
    [InlineData("an expired certificate")]
    [InlineData("a client's certificate")]
    public async Task A_server_that_can_not_be_verified_gets_no_request(string what)
    {
        var files = what switch
        {
            "another name" => _authority.Issue("server", host: "store.example.org"),
            "an expired certificate" => _authority.Issue("server", expired: true),
            "a client's certificate" => _authority.Issue("server", client: true),
            _ => _authority.Issue("server"),
        };
        await using var front = TlsFront.Start(store.Owner.Endpoint, files);
        var options = Options(front) with { CaFile = what switch { "another authority" => _other.CaFile, "the system's authorities" => null, _ => _authority.CaFile } };

        var error = await Assert.ThrowsAsync<DependencyException>(() => ReadAsync(options));

        Assert.Contains("TLS", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_demands_certificates_refuses_a_worker_without_one()
    {
        await using var front = TlsFront.Start(store.Owner.Endpoint, _authority.Issue("server"), _authority.CaFile);

        await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync(Options(front)));

        Assert.Equal(0, front.Accepted);
    }

    private StoreOptions Options(TlsFront front) => new()
    {
        Endpoint = front.Address.ToString(),
        AccessKey = store.Owner.AccessKey,
        SecretKey = store.Owner.SecretKey,
        Buckets = [store.Bucket],
        CaFile = _authority.CaFile,
    };

    private async Task<string> ReadAsync(StoreOptions options)
    {
        Assert.Empty(options.Check());
        // A first handshake on a busy machine takes its time.
        var fetching = new FetchingOptions { Attempts = 1, ConnectTimeoutMs = 20_000, FirstByteTimeoutMs = 30_000 };
        using var objects = new S3ObjectStore(options, fetching, new MemoryBudget(1 << 20), TimeProvider.System, NullLogger<S3ObjectStore>.Instance);
        using var fetched = await objects.FetchAsync(new ImageReference { Bucket = store.Bucket, Key = "a" }, CancellationToken.None);
        return Encoding.UTF8.GetString(fetched.Content.Span);
    }
}
