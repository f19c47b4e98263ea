using VlWorker.Journal;

namespace VlWorker.Worker.Tests.Journal;

public sealed class FingerprintTests
{
    [Fact]
    public void Body_and_message_id_tell_messages_apart()
    {
        UInt128[] different =
        [
            Fingerprint.Of("a"u8, null), Fingerprint.Of("b"u8, null), Fingerprint.Of("a"u8, "1"), Fingerprint.Of("a"u8, "2"), Fingerprint.Of("b"u8, "1"), Fingerprint.Of([], "1"),
        ];

        Assert.Equal(different.Length, different.Distinct().Count());
        Assert.Equal(different[2], Fingerprint.Of("a"u8, "1"));
    }
}
