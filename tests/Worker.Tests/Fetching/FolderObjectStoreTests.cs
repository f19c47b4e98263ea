using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Fetching;

namespace VlWorker.Worker.Tests.Fetching;

public sealed class FolderObjectStoreTests : IDisposable
{
    private readonly string _outside = Directory.CreateTempSubdirectory("vl-folder-").FullName;
    private readonly string _root;
    private readonly MemoryBudget _budget = new(1 << 20);
    private readonly FolderObjectStore _store;

    public FolderObjectStoreTests()
    {
        _root = Path.Combine(_outside, "root");
        Directory.CreateDirectory(Path.Combine(_root, "photos", "summer"));
        Write("photos/summer/sea.jpg", "sea");
        Write("top.jpg", "top");
        Write("private/secret.jpg", "secret");
        Write("../secret.jpg", "secret");
        _store = Open(_root);
    }

    public void Dispose() => Directory.Delete(_outside, recursive: true);

    [Theory]
    [InlineData("photos", "summer/sea.jpg", "sea")]
    [InlineData("all", "top.jpg", "top")]
    [InlineData("all", "photos/summer/sea.jpg", "sea")]
    public async Task A_key_is_the_path_below_the_buckets_folder(string bucket, string key, string content) =>
        Assert.Equal(content, await ReadAsync(bucket, key));

    [Theory]
    [InlineData("ü ñ/日本 😀.jpg")]
    [InlineData("a%2e%2e?b#c&d")]
    [InlineData("...")]
    [InlineData(".hidden")]
    [InlineData("a\\b")]
    [InlineData("..\\secret.jpg")]
    [InlineData(" blanks ")]
    [InlineData("line\nbreak")]
    public async Task Odd_names_are_plain_names(string key)
    {
        Write("photos/" + key, key);
        Assert.Equal(key, await ReadAsync("photos", key));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("../secret.jpg")]
    [InlineData("../../secret.jpg")]
    [InlineData("../private/secret.jpg")]
    [InlineData("summer/../../private/secret.jpg")]
    [InlineData("summer/../../../secret.jpg")]
    [InlineData("summer/../summer/sea.jpg")]
    [InlineData("./summer/sea.jpg")]
    [InlineData("summer//sea.jpg")]
    [InlineData("summer/sea.jpg/")]
    [InlineData("/etc/passwd")]
    [InlineData("//etc/passwd")]
    [InlineData("summer/sea.jpg\0.png")]
    [InlineData("/")]
    [InlineData(".")]
    public Task A_key_that_is_no_plain_path_is_a_bad_request(string key) => AssertRejectedAsync(RejectionReason.BadRequest, "photos", key);

    [Theory]
    [InlineData("summer/none.jpg", RejectionReason.NotFound)]
    [InlineData("none/sea.jpg", RejectionReason.NotFound)]
    [InlineData("summer/sea.jpg/more", RejectionReason.NotFound)]
    [InlineData("summer", RejectionReason.NotFound)]
    [InlineData("%2e%2e/%2e%2e/secret.jpg", RejectionReason.NotFound)]
    [InlineData("~/secret.jpg", RejectionReason.NotFound)]
    [InlineData("c:/windows/win.ini", RejectionReason.NotFound)]
    public Task What_is_not_there_is_not_found(string key, string reason) => AssertRejectedAsync(reason, "photos", key);

    [Fact]
    public async Task Names_and_paths_of_any_length_are_just_not_found()
    {
        await AssertRejectedAsync(RejectionReason.NotFound, "photos", new string('a', 300));
        await AssertRejectedAsync(RejectionReason.NotFound, "photos", string.Join('/', Enumerable.Repeat("a", 500)));
    }

    [Theory]
    [InlineData("private", "secret.jpg", RejectionReason.BucketNotAllowed)]
    [InlineData("..", "secret.jpg", RejectionReason.BucketNotAllowed)]
    [InlineData("photos/..", "private/secret.jpg", RejectionReason.BucketNotAllowed)]
    [InlineData("Photos", "summer/sea.jpg", RejectionReason.BucketNotAllowed)]
    [InlineData("gone", "a.jpg", RejectionReason.BucketNotFound)]
    public Task Only_allowed_buckets_are_read(string bucket, string key, string reason) => AssertRejectedAsync(reason, bucket, key);

    [Fact]
    public async Task Links_are_not_followed_wherever_they_stand()
    {
        File.CreateSymbolicLink(Path.Combine(_root, "photos", "link.jpg"), Path.Combine(_outside, "secret.jpg"));
        File.CreateSymbolicLink(Path.Combine(_root, "photos", "inner.jpg"), Path.Combine(_root, "photos", "summer", "sea.jpg"));
        Directory.CreateSymbolicLink(Path.Combine(_root, "photos", "up"), _outside);
        Directory.CreateSymbolicLink(Path.Combine(_root, "linked"), _outside);

        await AssertRejectedAsync(RejectionReason.AccessDenied, "photos", "link.jpg");
        await AssertRejectedAsync(RejectionReason.AccessDenied, "photos", "inner.jpg");
        await AssertNotReadAsync("photos", "up/secret.jpg");
        await AssertNotReadAsync("linked", "secret.jpg");
        await AssertNotReadAsync("all", "linked/secret.jpg");
    }

    [Fact]
    public async Task The_root_itself_may_be_a_link()
    {
        var link = Path.Combine(_outside, "link");
        Directory.CreateSymbolicLink(link, _root);
        using var fetched = await Open(link).FetchAsync(new ImageReference { Bucket = "all", Key = "top.jpg" }, default);
        Assert.Equal("top"u8, fetched.Content.Span);
    }

    [Fact]
    public async Task Only_regular_files_are_read_and_none_makes_the_worker_hang()
    {
        var fifo = Path.Combine(_root, "photos", "fifo.jpg");
        using (var mkfifo = Process.Start("mkfifo", fifo))
            await mkfifo.WaitForExitAsync();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(_root, "photos", "s.jpg")));

        await AssertRejectedAsync(RejectionReason.NotFound, "photos", "fifo.jpg").WaitAsync(TimeSpan.FromSeconds(60));
        await AssertRejectedAsync(RejectionReason.NotFound, "photos", "s.jpg").WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_device_gives_nothing()
    {
        using var mknod = Process.Start(new ProcessStartInfo("mknod", [Path.Combine(_root, "photos", "zero.jpg"), "c", "1", "5"]) { RedirectStandardError = true })!;
        await mknod.WaitForExitAsync();
        if (mknod.ExitCode == 0) // Only the administrator can make devices; for anybody else there is none to be read.
            await AssertNotReadAsync("photos", "zero.jpg");
        else
            await AssertRejectedAsync(RejectionReason.NotFound, "photos", "zero.jpg");
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task A_file_that_may_not_be_read_is_denied()
    {
        Write("photos/closed.jpg", "closed");
        File.SetUnixFileMode(Path.Combine(_root, "photos", "closed.jpg"), UnixFileMode.None);

        if (Environment.IsPrivilegedProcess) // Permissions don't bind the administrator.
            Assert.Equal("closed", await ReadAsync("photos", "closed.jpg"));
        else
            await AssertRejectedAsync(RejectionReason.AccessDenied, "photos", "closed.jpg");
    }

    [Fact]
    public async Task The_same_limits_hold()
    {
        Write("photos/empty.jpg", "");
        Write("photos/large.jpg", new string('x', 1001));
        await AssertRejectedAsync(RejectionReason.Empty, "photos", "empty.jpg");
        await AssertRejectedAsync(RejectionReason.TooLarge, "photos", "large.jpg");
    }

    [Fact]
    public async Task The_entity_tag_is_a_condition_and_there_are_no_versions()
    {
        string etag;
        using (var fetched = await _store.FetchAsync(new ImageReference { Bucket = "all", Key = "top.jpg" }, default))
        {
            etag = fetched.Etag!;
            Assert.Null(fetched.VersionId);
        }

        using (await _store.FetchAsync(new ImageReference { Bucket = "all", Key = "top.jpg", Etag = $"\"{etag}\"" }, default))
            Assert.NotEqual(0, _budget.Used);
        Write("top.jpg", "changed");
        await AssertRejectedAsync(RejectionReason.PreconditionFailed, "all", "top.jpg", etag: etag);
        await AssertRejectedAsync(RejectionReason.NotFound, "all", "top.jpg", versionId: "1");
    }

    [Fact]
    public async Task A_root_that_has_gone_is_the_stores_fault_until_it_is_back()
    {
        await _store.ProbeAsync(default);
        Directory.Move(_root, _root + "-away");
        var reference = new ImageReference { Bucket = "all", Key = "top.jpg" };

        Assert.Equal(Dependency.Store, (await Assert.ThrowsAsync<DependencyException>(() => _store.FetchAsync(reference, default))).Dependency);
        await Assert.ThrowsAsync<DependencyException>(() => _store.ProbeAsync(default));

        Directory.Move(_root + "-away", _root);
        await _store.ProbeAsync(default);
        Assert.Equal("top", await ReadAsync("all", "top.jpg"));
    }

    private FolderObjectStore Open(string root)
    {
        var options = new StoreOptions { Kind = StoreKind.Folder, Folder = root, FolderBucket = "all", Buckets = ["photos", "gone", "linked"] };
        Assert.Empty(options.Check());
        return new FolderObjectStore(options, new FetchingOptions { MaxBytes = 1000 }, _budget, TimeProvider.System);
    }

    private void Write(string path, string content)
    {
        var full = Path.GetFullPath(Path.Combine(_root, path));
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content, new UTF8Encoding(false));
    }

    private async Task<string> ReadAsync(string bucket, string key)
    {
        using var fetched = await _store.FetchAsync(new ImageReference { Bucket = bucket, Key = key }, default);
        return Encoding.UTF8.GetString(fetched.Content.Span);
    }

    private async Task AssertNotReadAsync(string bucket, string key)
    {
        await Assert.ThrowsAsync<RejectedException>(() => ReadAsync(bucket, key));
        Assert.Equal(0, _budget.Used);
    }

    private async Task AssertRejectedAsync(string reason, string bucket, string key, string? versionId = null, string? etag = null)
    {
        var reference = new ImageReference { Bucket = bucket, Key = key, VersionId = versionId, Etag = etag };
        var error = await Assert.ThrowsAsync<RejectedException>(() => _store.FetchAsync(reference, default));
        Assert.Equal(reason, error.Reason);
        Assert.Equal(0, _budget.Used);
    }
}
