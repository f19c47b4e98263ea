using System.Text;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.Integration.Faults;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Fetching;

/// <summary>Faults on the way of one object: stalls, cuts, errors now and then, answers that lie about their length.</summary>
public sealed class S3FaultTests(TestStore store) : IClassFixture<TestStore>, IAsyncLifetime
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 300_000).Select(static i => (byte)(i * 17 + i / 256))];

    private FaultProxy _proxy = null!;
    private int _seen;

    public async Task InitializeAsync()
    {
        _proxy = FaultProxy.Start(store.Owner.Endpoint);
        await store.PutAsync("a.jpg", Content);
        await store.PutAsync("b.jpg", Content);
    }

    public Task DisposeAsync() => _proxy.DisposeAsync().AsTask();

    private FetchingTestStore Through(FetchingOptions? limits = null) => new(store.Owner, new Uri($"http://127.0.0.1:{_proxy.Port}"), limits, store.Bucket);

    private Func<string, bool> First(int times) => line => IsA(line) && Interlocked.Increment(ref _seen) <= times;

    private static bool IsA(string line) => line.Contains("/a.jpg", StringComparison.Ordinal);

    public static TheoryData<string> Faults => new("stall", "cut", "reset", "cut in the head", "no first byte", "503", "500", "429", "RequestTimeout", "rubbish");

    private static FaultPlan Plan(string fault, Func<string, bool> matches) => fault switch
    {
        "stall" => new FaultPlan { Matches = matches, StallAfter = 150_000 },
        "cut" => new FaultPlan { Matches = matches, CutAfter = 150_000 },
        "reset" => new FaultPlan { Matches = matches, CutAfter = 150_000, Reset = true },
        "cut in the head" => new FaultPlan { Matches = matches, CutAfter = 20 },
        "no first byte" => new FaultPlan { Matches = matches, Freeze = true },
        "rubbish" => new FaultPlan { Matches = matches, Answer = "rubbish\r\n\r\n"u8.ToArray() },
        "RequestTimeout" => FaultPlan.Status(400, fault, matches),
        _ => FaultPlan.Status(int.Parse(fault, System.Globalization.CultureInfo.InvariantCulture), "SlowDown", matches),
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_fault_that_passes_is_not_seen(string fault)
    {
        _proxy.Plan = Plan(fault, First(1));
        using var worker = Through();

        await worker.AssertReadsAsync(store.Bucket, "a.jpg", Content);

        Assert.Equal(2, _seen);
        Assert.Equal(0, worker.Budget.Used);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_fault_that_stays_with_one_object_is_transient_and_the_others_are_read(string fault)
    {
        _proxy.Plan = Plan(fault, line => IsA(line) && Interlocked.Increment(ref _seen) > 0);
        var waits = fault is "stall" or "no first byte";
        using var worker = Through(waits ? FetchingTestStore.Quick with { FirstByteTimeoutMs = 1_000, StallTimeoutMs = 1_000 } : null);

        var error = await Assert.ThrowsAsync<TransientException>(() => worker.FetchAsync(store.Bucket, "a.jpg"));

        Assert.Contains("3 times", error.Message, StringComparison.Ordinal);
        // .NET itself repeats a request at once when a connection ends before the first byte of an answer.
        Assert.InRange(_seen, 3, fault == "cut in the head" ? 33 : 3);
        Assert.Equal(0, worker.Budget.Used);
        await worker.AssertReadsAsync(store.Bucket, "b.jpg", Content);
    }

    [Fact]
    public async Task A_share_of_errors_is_ridden_out()
    {
        _proxy.Plan = FaultPlan.Status(503, "SlowDown", line => line.Contains(".jpg", StringComparison.Ordinal) && Interlocked.Increment(ref _seen) % 3 == 0);
        using var worker = Through(FetchingTestStore.Quick with { Attempts = 8, Connections = 4 });

        await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => worker.AssertReadsAsync(store.Bucket, "a.jpg", Content)));

        Assert.InRange(_seen, 80, 100);
    }

    [Fact]
    public async Task A_body_that_trickles_ends_too()
    {
        // A byte every tenth of a second: never a pause that is long enough for the stall time-out.
        _proxy.Plan = new FaultPlan { Matches = IsA, StallAfter = 1_000, Trickle = TimeSpan.FromMilliseconds(100) };
        using var worker = Through(FetchingTestStore.Quick with { StallTimeoutMs = 1_000, BodyTimeoutMs = 1_000, Attempts = 1 });

        var error = await Assert.ThrowsAsync<TransientException>(() => worker.FetchAsync(store.Bucket, "a.jpg"));

        Assert.Contains("timed out waiting for the rest of the body", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, worker.Budget.Used);
    }

    [Fact]
    public async Task A_body_of_unknown_length_is_read_to_its_end()
    {
        var text = new string('x', 200_000);
        _proxy.Plan = new FaultPlan { Matches = IsA, Answer = Chunked(text, end: true) };
        using var worker = Through();
        await worker.AssertReadsAsync(store.Bucket, "a.jpg", Encoding.ASCII.GetBytes(text));
    }

    [Fact]
    public async Task The_limit_holds_for_a_body_of_unknown_length()
    {
        _proxy.Plan = new FaultPlan { Matches = IsA, Answer = Chunked(new string('x', 200_000), end: true) };
        using var exact = Through(FetchingTestStore.Quick with { MaxBytes = 200_000 });
        using var small = Through(FetchingTestStore.Quick with { MaxBytes = 199_999 });

        (await exact.FetchAsync(store.Bucket, "a.jpg")).Dispose();
        await small.AssertRejectedAsync(RejectionReason.TooLarge, store.Bucket, "a.jpg");
    }

    [Fact]
    public async Task A_body_of_unknown_length_that_is_empty_or_cut_is_noticed()
    {
        _proxy.Plan = new FaultPlan { Matches = IsA, Answer = Chunked("", end: true) };
        using var worker = Through();
        await worker.AssertRejectedAsync(RejectionReason.Empty, store.Bucket, "a.jpg");

        _proxy.Plan = new FaultPlan { Matches = First(1), Answer = Chunked("half", end: false), CutAfter = 100 };
        await worker.AssertReadsAsync(store.Bucket, "a.jpg", Content);
    }

    [Fact]
    public async Task A_store_that_ignores_conditions_does_not_get_by()
    {
        _proxy.Plan = new FaultPlan { Matches = IsA, Answer = FaultPlan.Http(200, "other", "ETag: \"other\"", "x-amz-version-id: other") };
        using var worker = Through();
        await worker.AssertRejectedAsync(RejectionReason.PreconditionFailed, store.Bucket, "a.jpg", etag: "mine");
        await worker.AssertRejectedAsync(RejectionReason.NotFound, store.Bucket, "a.jpg", versionId: "mine");
    }

    [Fact]
    public async Task A_request_that_is_refused_for_one_object_only_is_rejected_after_a_second_look()
    {
        _proxy.Plan = FaultPlan.Status(403, "SignatureDoesNotMatch", IsA);
        using var worker = Through();
        await worker.AssertRejectedAsync(RejectionReason.AccessDenied, store.Bucket, "a.jpg");
        await worker.AssertReadsAsync(store.Bucket, "b.jpg", Content);
    }

    [Fact]
    public async Task A_caller_that_leaves_stops_the_reading()
    {
        _proxy.Plan = new FaultPlan { Matches = IsA, StallAfter = 150_000 };
        using var worker = Through(FetchingTestStore.Quick with { StallTimeoutMs = 60_000, BodyTimeoutMs = 60_000 });
        using var leave = new CancellationTokenSource();
        var reading = worker.FetchAsync(store.Bucket, "a.jpg", cancellation: leave.Token);
        await Eventually.TrueAsync("half of the body has come", () => _proxy.Passed >= 150_000);

        await leave.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal(0, worker.Budget.Used);
    }

    [Fact]
    public async Task An_entity_tag_is_whatever_the_store_says()
    {
        _proxy.Plan = new FaultPlan { Matches = IsA, Answer = FaultPlan.Http(200, "content", "ETag: \"0x8DC!-not-hex\"") };
        using var worker = Through();
        using var fetched = await worker.FetchAsync(store.Bucket, "a.jpg", etag: "0x8DC!-not-hex");
        Assert.Equal("0x8DC!-not-hex", fetched.Etag);
    }

    private static byte[] Chunked(string body, bool end) => Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"d41d8cd98f00b204e9800998ecf8427e\"\r\n\r\n"
        + (body.Length > 0 ? $"{body.Length:x}\r\n{body}\r\n" : "") + (end ? "0\r\n\r\n" : ""));
}
