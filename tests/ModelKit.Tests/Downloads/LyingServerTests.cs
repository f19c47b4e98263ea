using Microsoft.AspNetCore.Http;

namespace VlWorker.ModelKit.Tests.Downloads;

/// <summary>Servers that give something else than they list, or another part than was asked for.</summary>
public sealed class LyingServerTests : PullTest
{
    private static readonly string FromHalf = $"bytes={Content.Length / 2}-";

    [Theory]
    [InlineData(399_999, "the server gives 399999 bytes, not 400000")]
    [InlineData(400_001, "the server gives 400001 bytes, not 400000")]
    [InlineData(400_000, "its sha256 is")]
    public async Task A_server_that_gives_something_else_is_not_believed(int bytes, string reason)
    {
        Hub.Listed[Weights] = Content;
        Hub.Files[Weights] = new byte[bytes];
        Assert.Contains(reason, await ErrorAsync());
        Assert.Equal(2, Hub.Fetches(Weights).Count);
    }

    [Fact]
    public async Task A_small_file_is_checked_too()
    {
        Hub.Listed["config.json"] = "{}"u8.ToArray();
        Hub.Files["config.json"] = "[]"u8.ToArray();
        Assert.Contains("config.json: git would name it", await ErrorAsync());
    }

    [Fact]
    public async Task A_body_without_length_ends_at_the_size_that_was_listed()
    {
        OnWeights(async (context, _) =>
        {
            await context.Response.Body.WriteAsync(Content);
            await context.Response.Body.WriteAsync(Content);
            return true;
        });
        Assert.Contains("the server gives more than 400000 bytes", await ErrorAsync());
    }

    [Fact]
    public async Task What_a_server_gives_wrongly_once_is_fetched_anew()
    {
        OnWeights(async (context, number) =>
        {
            if (number == 1)
                await LocalHub.SendAsync(context, new byte[Content.Length]);
            return number == 1;
        });
        await PullAsync();

        AssertComplete();
        Assert.Equal([null, null], Hub.Fetches(Weights).Select(request => request.Range));
    }

    [Fact]
    public async Task A_server_that_ignores_ranges_gives_the_file_from_the_start()
    {
        OnWeights(async (context, number) =>
        {
            if (number == 1)
            {
                await SendHalfAsync(context);
                context.Abort();
                return true;
            }

            await LocalHub.SendAsync(context, Content, ranges: false);
            return true;
        });
        await PullAsync();
        AssertComplete();
    }

    [Theory]
    [InlineData("bytes 5-399999/400000")]
    [InlineData("bytes 200000-399999/400001")]
    [InlineData("")]
    public async Task Another_part_than_was_asked_for_is_not_taken(string range)
    {
        OnWeights(async (context, number) =>
        {
            if (number > 2)
                return false;
            if (number == 1)
            {
                await SendHalfAsync(context);
                context.Abort();
                return true;
            }

            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = range;
            await context.Response.Body.WriteAsync(new byte[Content.Length / 2]);
            return true;
        });
        await PullAsync();

        AssertComplete();
        Assert.Equal([null, FromHalf, null], Hub.Fetches(Weights).Select(request => request.Range));
    }

    [Fact]
    public async Task Halves_of_two_versions_are_not_put_together()
    {
        OnWeights(async (context, number) =>
        {
            if (number > 2)
                return false;
            if (number == 1)
            {
                await SendHalfAsync(context);
                context.Abort();
                return true;
            }

            context.Request.Headers.Remove("If-Range");
            await LocalHub.SendAsync(context, new byte[Content.Length]);
            return true;
        });
        await PullAsync();
        AssertComplete();
    }
}
