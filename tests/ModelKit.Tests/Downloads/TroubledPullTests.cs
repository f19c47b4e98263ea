using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using VlWorker.ModelKit.Downloads;

namespace VlWorker.ModelKit.Tests.Downloads;

/// <summary>Servers and networks that fail, stall and send elsewhere.</summary>
public sealed class TroubledPullTests : PullTest
{
    private static readonly string FromHalf = $"bytes={Content.Length / 2}-";

    [Fact]
    public async Task A_cut_connection_is_taken_up_where_it_was_cut()
    {
        OnWeights(async (context, number) =>
        {
            if (number > 1)
                return false;
            await SendHalfAsync(context);
            context.Abort();
            return true;
        });
        await PullAsync();

        AssertComplete();
        Assert.Equal([null, FromHalf], Hub.Fetches(Weights).Select(request => request.Range));
        Assert.NotNull(Hub.Fetches(Weights)[1].IfRange);
    }

    [Fact]
    public async Task A_stalled_connection_is_given_up_and_taken_up_again()
    {
        OnWeights(async (context, number) =>
        {
            if (number > 1)
                return false;
            await SendHalfAsync(context);
            await context.RequestAborted.WhenCancelled();
            return true;
        });
        await PullAsync(options => options with { StallTimeout = TimeSpan.FromSeconds(5) });

        AssertComplete();
        Assert.Equal([null, FromHalf], Hub.Fetches(Weights).Select(request => request.Range));
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_given_up()
    {
        Hub.Trouble = async (context, _, _) =>
        {
            await context.RequestAborted.WhenCancelled();
            return true;
        };
        Assert.Contains(
            "given up after 2 attempts: 127.0.0.1 did not answer within 0.2 s",
            await ErrorAsync(options => options with { StallTimeout = TimeSpan.FromSeconds(0.2), Attempts = 2 }));
    }

    [Fact]
    public async Task A_server_that_is_busy_is_asked_again_when_it_says()
    {
        OnWeights((context, number) =>
        {
            if (number > 2)
                return Task.FromResult(false);
            context.Response.StatusCode = number == 1 ? 500 : 429;
            context.Response.Headers.RetryAfter = "1";
            return Task.FromResult(true);
        });
        var started = Stopwatch.GetTimestamp();
        await PullAsync();

        AssertComplete();
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromSeconds(1.9), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_server_that_stays_broken_is_given_up()
    {
        OnWeights((context, _) => Status(context, 503));
        Assert.Contains("model.safetensors: given up after 4 attempts: 127.0.0.1 answers 503", await ErrorAsync());
        Assert.Equal(4, Hub.Fetches(Weights).Count);
    }

    [Theory]
    [InlineData(401, "the token in HF_TOKEN is not allowed to read it")]
    [InlineData(404, "there is no /api/models/owner/model/revision/main")]
    [InlineData(400, "answers 400")]
    public async Task A_refusal_is_final(int status, string reason)
    {
        Hub.Trouble = (context, _, _) => Status(context, status);
        Assert.Contains(reason, await ErrorAsync());
        Assert.Single(Hub.Requests);
    }

    [Fact]
    public async Task A_refusal_without_a_token_says_that_one_may_be_needed()
    {
        Hub.Trouble = (context, _, _) => Status(context, 401);
        Assert.Contains("needs a token in the environment variable HF_TOKEN", await ErrorAsync(options => options with { Token = null }));
    }

    [Fact]
    public async Task The_token_stays_with_the_server_that_was_named()
    {
        await using var other = await LocalHub.StartAsync();
        other.Trouble = async (context, _, _) =>
        {
            await LocalHub.SendAsync(context, Content);
            return true;
        };
        OnWeights((context, _) => Redirect(context, $"{other.Address}signed?key=1"));
        await PullAsync();

        AssertComplete();
        var request = Assert.Single(other.Requests);
        Assert.Equal(("/signed?key=1", null), (request.Target, request.Authorization));
    }

    [Theory]
    [InlineData("file:///etc/passwd", "redirects from http to file")]
    [InlineData("ftp://127.0.0.1/x", "redirects from http to ftp")]
    [InlineData("", "redirects to no address")]
    public async Task A_redirect_stays_with_HTTP(string location, string reason)
    {
        OnWeights((context, _) => Redirect(context, location));
        Assert.Contains(reason, await ErrorAsync());
    }

    [Fact]
    public async Task A_circle_of_redirects_ends()
    {
        OnWeights((context, _) => Redirect(context, context.Request.Path));
        Assert.Contains("more than 8 redirects", await ErrorAsync());
    }

    private static Task<bool> Status(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.FromResult(true);
    }

    private static Task<bool> Redirect(HttpContext context, string location)
    {
        context.Response.StatusCode = 302;
        if (location.Length > 0)
            context.Response.Headers.Location = location;
        return Task.FromResult(true);
    }
}
