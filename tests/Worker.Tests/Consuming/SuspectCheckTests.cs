using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Journal;
using VlWorker.Publishing;
using VlWorker.Worker.Tests.Journal;

namespace VlWorker.Worker.Tests.Consuming;

public sealed class SuspectCheckTests : IDisposable
{
    private readonly TestJournals _journals = new();

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(40, true)]
    public void A_message_that_comes_a_third_time_works_alone_and_is_blamed_for_nothing(long redeliveries, bool alone)
    {
        var check = Check(_journals.Start());

        var mark = check.MarkOf(Deliver("a", redeliveries), "a");

        Assert.Equal((alone, 0), (mark.Solo, mark.Deaths));
        check.Check(mark);
    }

    [Fact]
    public void Two_deaths_alone_are_enough_and_one_is_not()
    {
        var journal = _journals.Start();
        for (var deaths = 0; deaths < 2; deaths++)
        {
            var mark = Check(journal).MarkOf(Deliver("a", deaths), "a");
            Check(journal).Check(mark);
            mark.Begin(WorkStage.Decoding);
            _journals.Die(journal);
            journal = _journals.Start();
        }

        var (third, other) = (Check(journal).MarkOf(Deliver("a", 2), "a"), Check(journal).MarkOf(Deliver("b", 2), "b"));

        Assert.Contains("2 processes died", Assert.Throws<CrashedWorkerException>(() => Check(journal).Check(third)).Message, StringComparison.Ordinal);
        Check(journal).Check(other);
        Check(journal).Settled(third);
        Assert.False(Check(journal).MarkOf(Deliver("a", 0), "a").Solo);
    }

    [Fact]
    public void Without_a_journal_nobody_is_suspected()
    {
        var check = new SuspectCheck(_journals.Start(deaths: 0), new JournalOptions { Deaths = 0 });

        var mark = check.MarkOf(Deliver("a", 30), "a");

        Assert.False(mark.Solo);
        check.Check(mark);
    }

    public void Dispose() => _journals.Dispose();

    private static SuspectCheck Check(CrashJournal journal) => new(journal, new JournalOptions());

    private static Delivery Deliver(string id, long redeliveries) => new(
        new Lane(LaneKind.Backfill, Topology.BackfillQueue, Topology.BackfillRoutingKey, 1),
        [1, 2, 3],
        new MessageProperties { MessageId = id, Headers = new Dictionary<string, object?> { ["x-delivery-count"] = redeliveries } });
}
