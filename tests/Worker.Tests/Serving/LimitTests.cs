using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using VlWorker.Batching;
using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;
using VlWorker.Integration.Messaging;
using VlWorker.Serving;

namespace VlWorker.Worker.Tests.Serving;

/// <summary>What REST requests may have of the worker, with a device that a test can hold up.</summary>
public sealed class LimitTests : IDisposable
{
    private readonly ManualResetEventSlim _go = new(false);
    private readonly EchoModel _model = new();
    private int _entered;

    [Fact]
    public async Task A_full_backlog_answers_429_and_says_when_to_come_again()
    {
        await using var worker = await StartAsync(new() { ["Serving:Backlog"] = "2", ["Serving:MaxInputs"] = "2" });
        Task<HttpResponseMessage>[] held = [PredictAsync(worker), PredictAsync(worker)];
        var admission = worker.Services.GetRequiredService<Admission>();
        await Eventually.TrueAsync("both to be held", () => admission.Held == 2);

        var (response, _) = await worker.PostAsync("/predict", Image());

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        await worker.RefusedAsync("/predict", Image(), HttpStatusCode.TooManyRequests, "overloaded");
        _go.Set();
        Assert.All(await Task.WhenAll(held), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(HttpStatusCode.OK, (await PredictAsync(worker)).StatusCode);
        Assert.Equal(0, admission.Held);
    }

    [Fact]
    public async Task A_request_that_takes_too_long_is_answered_as_expired()
    {
        await using var worker = await StartAsync(new() { ["Serving:RequestTimeoutSeconds"] = "0.3" });
        await OccupyAsync(worker);

        var problem = await worker.RefusedAsync("/predict", Image(), HttpStatusCode.GatewayTimeout, RejectionReason.Expired);

        Assert.False(string.IsNullOrEmpty(problem.GetProperty("detail").GetString()));
        _go.Set();
    }

    [Fact]
    public async Task The_rows_of_a_client_that_has_gone_are_withdrawn()
    {
        await using var worker = await StartAsync([]);
        var (batcher, admission) = (worker.Services.GetRequiredService<DynamicBatcher>(), worker.Services.GetRequiredService<Admission>());
        var occupied = await OccupyAsync(worker);
        var rows = _model.Rows;
        using var gone = new CancellationTokenSource();
        var asked = worker.Client.PostAsync(new Uri("/predict?tasks=caption", UriKind.Relative), Image(), gone.Token);
        await Eventually.TrueAsync("the row to wait", () => batcher.Waiting == 1);

        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await Eventually.TrueAsync("the row to be withdrawn", () => batcher.Waiting == 0 && admission.Held == 1);
        _go.Set();
        await occupied;
        Assert.Equal(rows + 1, _model.Rows);
    }

    [Fact]
    public async Task A_body_above_the_limit_is_refused_whether_its_length_is_told_or_not()
    {
        _go.Set();
        await using var worker = await StartAsync(new() { ["Serving:MaxBodyBytes"] = "2048" });

        await worker.RefusedAsync("/predict", RestWorker.Bytes(new byte[4096]), HttpStatusCode.RequestEntityTooLarge, RejectionReason.TooLarge);

        using var untold = new HttpRequestMessage(HttpMethod.Post, "/predict") { Content = RestWorker.Bytes(new byte[4096]) };
        untold.Headers.TransferEncodingChunked = true;
        using var refused = await worker.Client.SendAsync(untold);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        Assert.True(refused.Headers.ConnectionClose);
        Assert.Equal(0, worker.Services.GetRequiredService<Uploads>().Held);
    }

    [Fact]
    public async Task A_body_that_stops_coming_is_given_up_and_its_memory_given_back()
    {
        _go.Set();
        await using var worker = await StartAsync(new() { ["Fetching:StallTimeoutMs"] = "200" });
        using var socket = new TcpClient();
        await socket.ConnectAsync(worker.Client.BaseAddress!.Host, worker.Client.BaseAddress.Port);
        await socket.GetStream().WriteAsync("POST /predict HTTP/1.1\r\nHost: worker\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\nhalf"u8.ToArray());

        using var reader = new StreamReader(socket.GetStream());

        Assert.StartsWith("HTTP/1.1 504", await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)), StringComparison.Ordinal);
        Assert.Equal(0, worker.Services.GetRequiredService<Uploads>().Held);
    }

    [Fact]
    public async Task A_worker_that_takes_no_messages_takes_no_requests_and_says_why()
    {
        _go.Set();
        await using var worker = await StartAsync([]);

        worker.Services.GetRequiredService<ConsumptionGate>().Close(Failures.Dependency.Device, "the card is gone");

        var problem = await worker.RefusedAsync("/predict", Image(), HttpStatusCode.ServiceUnavailable, "not-ready");
        Assert.Contains("the card is gone", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_fails_for_the_moment_is_a_503_with_a_time_to_come_again()
    {
        _go.Set();
        await using var worker = await StartAsync([]);
        _model.Fail = (Tasks.Caption, 1);

        await worker.RefusedAsync("/predict", Image(), HttpStatusCode.ServiceUnavailable, "temporary-failure");

        Assert.Equal(HttpStatusCode.OK, (await PredictAsync(worker)).StatusCode);
    }

    public void Dispose()
    {
        _go.Set();
        _go.Dispose();
    }

    private static ByteArrayContent Image() => RestWorker.Bytes(RestWorker.Sample("0002.png"), "image/png");

    private static Task<HttpResponseMessage> PredictAsync(RestWorker worker) =>
        worker.Client.PostAsync(new Uri("/predict?tasks=caption", UriKind.Relative), Image());

    /// <summary>The worker warms up freely; from then on the device waits for the test.</summary>
    private async Task<RestWorker> StartAsync(Dictionary<string, string> settings)
    {
        var worker = await RestWorker.StartAsync(settings, _model);
        _model.Always = () =>
        {
            Interlocked.Increment(ref _entered);
            _go.Wait();
        };
        return worker;
    }

    /// <summary>The device takes one row and does not come back until the test lets it go.</summary>
    private async Task<Task<HttpResponseMessage>> OccupyAsync(RestWorker worker)
    {
        var answer = PredictAsync(worker);
        await Eventually.TrueAsync("the device to be occupied", () => Volatile.Read(ref _entered) == 1);
        return answer;
    }
}
