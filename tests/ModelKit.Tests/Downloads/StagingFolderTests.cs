using VlWorker.ModelKit.Downloads;

namespace VlWorker.ModelKit.Tests.Downloads;

/// <summary>Downloads that are interrupted, and what they leave for the next one.</summary>
public sealed class StagingFolderTests : PullTest
{
    [Fact]
    public async Task The_next_run_goes_on_where_an_interrupted_one_stopped()
    {
        await InterruptAsync();
        Assert.False(Directory.Exists(Folder));
        await PullAsync();

        AssertComplete();
        Assert.Equal([null, $"bytes={Content.Length / 2}-"], Hub.Fetches(Weights).Select(request => request.Range));
        Assert.Single(Hub.Fetches("config.json"));
    }

    [Fact]
    public async Task Parts_of_another_commit_are_not_used()
    {
        await InterruptAsync();
        Hub.Commit = new string('b', 40);
        await PullAsync();

        AssertComplete();
        Assert.Equal([null, null], Hub.Fetches(Weights).Select(request => request.Range));
        Assert.Equal(2, Hub.Fetches("config.json").Count);
    }

    [Fact]
    public async Task A_file_that_was_damaged_meanwhile_is_fetched_again()
    {
        await InterruptAsync();
        File.WriteAllText(Path.Combine(Folder + ".part", "config.json"), "");
        await PullAsync();

        AssertComplete();
        Assert.Equal("{}", File.ReadAllText(Path.Combine(Folder, "config.json")));
    }

    [Fact]
    public async Task What_another_choice_of_files_left_does_not_become_part_of_the_model()
    {
        await InterruptAsync();
        await PullAsync(options => options with { Include = ["tokenizer.json"] });
        Assert.Equal(["tokenizer.json"], Fetched());
    }

    [Fact]
    public async Task Two_downloads_into_one_folder_do_not_meet()
    {
        using var first = StagingFolder.Open(Folder, "something else");
        Assert.Contains("in use by another download", await ErrorAsync());
    }

    [Fact]
    public async Task A_folder_of_somebody_else_is_left_alone()
    {
        Directory.CreateDirectory(Folder + ".part");
        var file = Path.Combine(Folder + ".part", "mine.txt");
        File.WriteAllText(file, "");
        Assert.Contains("holds something else", await ErrorAsync());
        Assert.True(File.Exists(file));
    }

    private async Task InterruptAsync()
    {
        using var cancellation = new CancellationTokenSource();
        OnWeights(async (context, _) =>
        {
            await SendHalfAsync(context);
            await cancellation.CancelAsync();
            await context.RequestAborted.WhenCancelled();
            return true;
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PullAsync(null, cancellation.Token));
        Hub.Trouble = (_, _, _) => Task.FromResult(false);
    }
}
