using VlWorker.Journal;

namespace VlWorker.Worker.Tests.Journal;

public sealed class JournalEntryTests
{
    [Theory]
    [InlineData("order-4711/front", "order-4711/front")]
    [InlineData("", "")]
    [InlineData("0123456789012345678901234567890123456789", "0123456789012345678901234567890123456789")]
    [InlineData("0123456789012345678901234567890123456789x", "0123456789012345678901234567890123456789")]
    [InlineData("012345678901234567890123456789012345678é", "012345678901234567890123456789012345678")]
    public void What_is_written_is_read_and_long_ids_are_cut(string id, string read)
    {
        var entry = new JournalEntry(UInt128.MaxValue - 7, id, WorkStage.Inference, 3, 4_000_000_000, true);
        var slot = new byte[JournalEntry.Bytes];

        entry.Write(slot);

        Assert.Equal(entry with { Id = read }, JournalEntry.Read(slot));
    }

    [Fact]
    public void A_free_slot_is_no_entry() => Assert.Null(JournalEntry.Read(new byte[JournalEntry.Bytes]));
}
