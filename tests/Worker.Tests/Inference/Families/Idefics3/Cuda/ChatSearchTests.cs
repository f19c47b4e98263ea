using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Idefics3;
using VlWorker.Inference.Families.Idefics3.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;
using VlWorker.Worker.Tests.Batching;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3.Cuda;

/// <summary>The search's own loop, on places without a model.</summary>
public sealed class ChatSearchTests
{
    private const int End = 7;
    private static readonly JoinPolicy Whole = new(0);

    /// <summary>However rows leave and join: each says what it says alone, is told so once, and those that can't join are left open.</summary>
    [Property(MaxTest = 300)]
    public Property Every_row_says_what_it_says_alone() => Prop.ForAll(Cases().ToArbitrary(), plan =>
    {
        var random = new Random(plan.Seed);
        var sizes = Enumerable.Range(1, plan.Places).Where(size => size == plan.Places || random.Next(3) == 0).ToArray();
        var device = new SimulatedChat(plan.Places, plan.Capacity, sizes);
        var told = new Dictionary<ChatRow, RowResult>();
        var all = Enumerable.Range(0, plan.Rows).Select(_ => Random(random, plan.Capacity, told)).ToList();
        var first = all.Where(row => Joins(row, plan.Capacity)).Take(plan.Begin).ToList();
        var (waiting, taken, closed) = (new Queue<ChatRow>(all.Except(first)), new List<ChatRow>(first), false);
        var results = new RowResult[first.Count];
        if (first.Count == 0)
            return;

        new ChatSearch(new GenerationTokens([1], [End], null, null)).Run(device, plan.Policy, first, results, most =>
        {
            Assert.False(closed);
            Assert.InRange(most, 1, plan.Places - taken.Count(row => !told.ContainsKey(row)));
            List<ChatRow> some = [.. Enumerable.Range(0, Math.Min(waiting.Count, random.Next(most + 1))).Select(_ => waiting.Dequeue())];
            closed = !some.TrueForAll(row => Joins(row, plan.Capacity));
            taken.AddRange(some);
            return some;
        }, CancellationToken.None);

        Assert.All(first.Zip(results), pair => Assert.Equal(Alone(pair.First), Assert.Single(pair.Second.Sequences).Tokens));
        Assert.All(taken, row => Assert.Equal(Joins(row, plan.Capacity), told.ContainsKey(row)));
        Assert.All(told, pair => Assert.Equal(Alone(pair.Key), Assert.Single(pair.Value.Sequences).Tokens));
    });

    [Fact]
    public void Whole_batches_take_a_step_for_each_token_of_the_longest_answer_over_all_places()
    {
        var (device, rows) = (new SimulatedChat(8, 64, [4, 8]), new[] { Row([2, 3], 5), Row([2], 9), Row([3], 2) });
        Run(device, Whole, rows, null);
        Assert.Equal(Enumerable.Repeat(4, rows.Max(static row => row.Request.Parameters.MaxNewTokens) - 1), device.Steps);
    }

    [Fact]
    public void Those_that_are_left_move_together_once_that_makes_steps_smaller()
    {
        var device = new SimulatedChat(8, 64, [1, 2, 4, 8]);
        Run(device, JoinPolicy.Default, [.. Enumerable.Range(1, 8).Select(row => Row([row], 3 * row))], null);
        Assert.Equal([8, 4, 2, 1], device.Steps.Distinct());
        Assert.Equal(23, device.Steps.Count);
    }

    [Fact]
    public void Rows_join_once_enough_places_are_free_and_never_one_step_after_the_other()
    {
        var device = new SimulatedChat(8, 64, [8]);
        var waiting = new Queue<ChatRow>(Enumerable.Range(0, 40).Select(row => Row([row], 1 + (row % 13))));
        var asked = new List<int>();
        Run(device, new JoinPolicy(0.75, 0.25, 3), [.. Enumerable.Range(0, 8).Select(_ => waiting.Dequeue())], most =>
        {
            asked.Add(device.Steps.Count);
            Assert.InRange(most, 2, 8);
            return [.. Enumerable.Range(0, Math.Min(most, waiting.Count)).Select(_ => waiting.Dequeue())];
        });
        Assert.Empty(waiting);
        Assert.All(asked.Zip(asked.Skip(1)).SkipLast(1), static pair => Assert.True(pair.Second - pair.First >= 3));
        Assert.All(device.Starts.Skip(1).SkipLast(1), static rows => Assert.InRange(rows, 2, 8));
    }

    [Fact]
    public void A_place_whose_row_has_ended_is_emptied_before_steps_run_over_its_end()
    {
        var (device, left) = (new SimulatedChat(4, 20, [4]), 30);
        Run(device, new JoinPolicy(0, 0.25, 1), [Row([1], 2), Row([2], 18)], most => left-- > 0 ? [Row([left], 18)] : []);
        Assert.True(device.Steps.Count > 40);
    }

    [Fact]
    public void Who_cancels_ends_it()
    {
        using var cancellation = new CancellationTokenSource();
        var device = new SimulatedChat(4, 64, [4]);
        var row = Row([1], 40);
        Assert.Throws<OperationCanceledException>(() => new ChatSearch(new GenerationTokens([1], [], null, null)).Run(
            device, JoinPolicy.Default, [row], new RowResult[1], _ =>
            {
                cancellation.Cancel();
                return [];
            }, cancellation.Token));
        Assert.Single(device.Steps);
    }

    private static void Run(SimulatedChat device, JoinPolicy policy, ChatRow[] rows, Func<int, IReadOnlyList<ChatRow>>? more)
    {
        var results = new RowResult[rows.Length];
        new ChatSearch(new GenerationTokens([1], [], null, null)).Run(device, policy, rows, results, more, CancellationToken.None);
        Assert.All(rows.Zip(results), static pair => Assert.Equal(Alone(pair.First, end: false), pair.Second.Sequences[0].Tokens));
    }

    private static bool Joins(ChatRow row, int capacity) =>
        row.Request.Parameters.RepetitionPenalty == 1 && row.Request.Prompt.Count + row.Request.Parameters.MaxNewTokens <= capacity;

    private static int[] Alone(ChatRow row, bool end = true)
    {
        var tokens = row.Request.Prompt.ToList();
        do
            tokens.Add(SimulatedChat.Next(tokens));
        while (tokens.Count < row.Request.Prompt.Count + row.Request.Parameters.MaxNewTokens && !(end && tokens[^1] == End));
        return [.. tokens];
    }

    private static ChatRow Row(int[] prompt, int tokens, double penalty = 1) =>
        new([], new RowRequest(new GenerationParameters(1 + tokens, 0, 1, 1, EarlyStopping.Never, 0, penalty, 1), prompt));

    // One in sixteen can't be chosen for on the device, another one in sixteen is too long for it.
    private static ChatRow Random(Random random, int capacity, Dictionary<ChatRow, RowResult> told)
    {
        int[] prompt = [.. Enumerable.Range(0, random.Next(1, capacity / 2)).Select(_ => random.Next(50))];
        var tokens = random.Next(16) == 0 ? capacity : random.Next(1, capacity - prompt.Length + 1);
        var row = Row(prompt, tokens, random.Next(16) == 0 ? 1.5 : 1);
        ChatRow? self = null;
        var end = new RowEnd(new StubInput(), result =>
        {
            told.Add(self!.Value, result);
            return new EmbeddingOutcome([]);
        });
        self = row with { Request = row.Request with { End = end } };
        return self.Value;
    }

    private static Gen<Plan> Cases() =>
        from places in Gen.Choose(1, 12)
        from capacity in Gen.Choose(4, 30)
        from rows in Gen.Choose(1, 60)
        from begin in Gen.Choose(1, places)
        from leave in Gen.Elements(0, 0.5, 0.75, 1)
        from free in Gen.Elements(0, 0.25, 0.5, 1)
        from pause in Gen.Choose(0, 9)
        from seed in Gen.Choose(0, int.MaxValue)
        select new Plan(places, capacity, rows, begin, new JoinPolicy(leave, free, pause), seed);

    private sealed record Plan(int Places, int Capacity, int Rows, int Begin, JoinPolicy Policy, int Seed);
}
