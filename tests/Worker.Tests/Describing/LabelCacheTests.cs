using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Describing;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.Worker.Tests.Batching;

namespace VlWorker.Worker.Tests.Describing;

/// <summary>Labels that are known or being embedded: each is embedded once, and nobody is later or fails because of another.</summary>
public sealed class LabelCacheTests
{
    [Fact]
    public async Task The_cache_is_bounded_and_forgets_what_was_used_least_lately()
    {
        var (cache, model) = (new LabelCache(2), new ModelReference { Alias = "m", Revision = "r" });
        Add("a", [1]);
        Add("b", [2]);
        Assert.False(IsNew(model, "a"));
        Add("c", [3]);

        Assert.Equal(2, cache.Count);
        var kept = await cache.Ask(model, "a", default, out _).Values;
        Assert.Equal([1f], kept!);
        Assert.True(IsNew(model, "b"));
        Assert.True(IsNew(model with { Revision = "other" }, "a"));
        Assert.Equal(2, cache.Count);

        void Add(string text, float[] vector) => cache.Settle(cache.Ask(model, text, default, out _), vector);

        bool IsNew(ModelReference asked, string text)
        {
            cache.Ask(asked, text, default, out var first);
            return first;
        }
    }

    [Fact]
    public void Who_is_more_urgent_does_not_wait_for_whoever_asked_before()
    {
        var (cache, model, noon) = (new LabelCache(2), new ModelReference { Alias = "m", Revision = "r" }, DateTimeOffset.UnixEpoch.AddHours(12));
        var (backfill, interactive) = (new RowTerms(BatchPriority.Backfill), new RowTerms(BatchPriority.Interactive));
        bool[] asks =
        [
            First(backfill), First(backfill), First(interactive), First(backfill), First(interactive),
            First(interactive with { Deadline = noon }), First(interactive with { Deadline = noon.AddHours(1) }), First(interactive),
            First(interactive with { Deadline = noon.AddHours(-1) }),
        ];

        Assert.Equal([true, false, true, false, false, true, false, false, true], asks);
        Assert.Equal(1, cache.Count);

        bool First(RowTerms terms)
        {
            cache.Ask(model, "a", terms, out var first);
            return first;
        }
    }

    [Fact]
    public async Task Many_who_ask_at_the_same_time_embed_a_label_once()
    {
        var (texts, gate) = (new List<string>(), new ManualResetEventSlim());
        using var bench = new ClassifierBench(Recording(texts, gate));

        var asking = Enumerable.Range(0, 64).Select(_ => bench.ScoreAsync(["cat", "dog", "newt"], null, [1f])).ToArray();
        gate.Set();
        var results = await Task.WhenAll(asking);

        Assert.Equal(["cat", "dog", "newt"], texts.Order());
        Assert.All(results, result => Assert.Equal(results[0].Labels, result.Labels));
    }

    [Fact]
    public async Task Who_waits_for_another_does_it_himself_when_that_one_is_cancelled()
    {
        var (texts, gate) = (new List<string>(), new ManualResetEventSlim());
        using var bench = new ClassifierBench(Recording(texts, gate));
        using var gone = new CancellationTokenSource();
        using var alsoGone = new CancellationTokenSource();
        // The one stream has this, so that the others' rows wait for it and can be withdrawn.
        var busy = bench.ScoreAsync(["busy"], null, [1f]);
        Assert.True(SpinWait.SpinUntil(() => bench.Waiting == 0, TimeSpan.FromSeconds(30)));

        var owner = bench.ScoreAsync(["cat"], null, [1f], gone.Token);
        var impatient = bench.ScoreAsync(["cat"], null, [1f], alsoGone.Token);
        var patient = bench.ScoreAsync(["cat"], null, [1f]);
        Assert.Equal(1, bench.Waiting);
        await alsoGone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        Assert.False(patient.IsCompleted);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => owner);
        gate.Set();

        Assert.Equal("cat", Assert.Single((await patient).Labels).Label);
        await busy;
        Assert.Equal(["busy", "cat"], texts);
    }

    [Fact]
    public async Task Who_waits_for_another_does_it_himself_when_that_one_fails()
    {
        var (texts, gate) = (new List<string>(), new ManualResetEventSlim());
        using var bench = new ClassifierBench(Recording(texts, gate, failures: 1));

        var owner = bench.ScoreAsync(["cat"], null, [1f]);
        var next = bench.ScoreAsync(["cat"], null, [1f]);
        gate.Set();

        await Assert.ThrowsAsync<TransientException>(() => owner);
        Assert.Equal("cat", Assert.Single((await next).Labels).Label);
        await bench.ScoreAsync(["cat"], null, [1f]);
        Assert.Equal(["cat", "cat"], texts);
    }

    /// <summary>A model that writes down which texts it embeds, waits for the gate, and fails at first as often as it is told.</summary>
    private static StubModel Recording(List<string> texts, ManualResetEventSlim gate, int failures = 0) => new(rows =>
    {
        texts.AddRange(rows.Select(row => string.Concat(((TextInput)row).Text.Ids.Select(id => (char)id))));
        if (!gate.Wait(TimeSpan.FromSeconds(60)))
            throw new TimeoutException("nobody opened the gate");
        if (failures-- > 0)
            throw new InvalidOperationException("the model fails");
        return [.. rows.Select(_ => new EmbeddingOutcome([1f]))];
    })
    {
        Similarity = new Similarity(ScoreFunctions.Softmax, 10, 0),
    };
}
