using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Tests.Jobs;

public sealed class EtagBytesTests
{
    [Theory]
    [InlineData("9b2cf535f27731c974343645a3985328", 16)]
    [InlineData("00000000000000000000000000000001", 16)]
    [InlineData("9b2cf535f27731c974343645a3985328-12", 18)]
    [InlineData("009cf535f27731c974343645a3985328-10000", 18)]
    [InlineData("9B2CF535F27731C974343645A3985328", 33)]
    [InlineData("9b2cf535f27731c974343645a3985328-012", 37)]
    [InlineData("1f-8dd1b2c3d4e5f60", null)]
    [InlineData("123456789012345", null)]
    [InlineData("12345678901234567", null)]
    [InlineData("x", null)]
    public void A_tag_comes_back_as_it_was(string etag, int? bytes)
    {
        var written = EtagBytes.Write(etag);

        Assert.Equal(etag, EtagBytes.Read(written));
        Assert.Equal(bytes ?? written.Length, written.Length);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void No_tag_keeps_room_for_one(string? etag)
    {
        Assert.Equal(16, EtagBytes.Write(etag).Length);
        Assert.Null(EtagBytes.Read(EtagBytes.Write(etag)));
    }
}
