using VlWorker.Inference.Generation;

namespace VlWorker.Worker.Tests.Inference.Generation;

public sealed class PhiloxTests
{
    // The known answers that the authors' library (Random123) is tested with.
    [Fact]
    public void Blocks_are_those_of_the_authors()
    {
        Assert.Equal((0x6627E8D5u, 0xE169C58Du, 0xBC57AC4Cu, 0x9B00DBD8u), Philox.Block(0, 0, 0, 0, 0, 0));
        const uint Ones = uint.MaxValue;
        Assert.Equal((0x408F276Du, 0x41C83B0Eu, 0xA20BC7C6u, 0x6D5451FDu), Philox.Block(Ones, Ones, Ones, Ones, Ones, Ones));
        Assert.Equal(
            (0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u),
            Philox.Block(0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0));
    }

    [Fact]
    public void Numbers_fill_the_interval_evenly_and_differ_by_seed_and_index()
    {
        var numbers = Enumerable.Range(0, 10_000).Select(i => Philox.Uniform(7, (uint)i)).ToArray();
        Assert.All(numbers, number => Assert.InRange(number, 0, 1 - 1e-16));
        var counts = numbers.GroupBy(number => (int)(number * 10)).Select(group => group.Count()).ToArray();
        Assert.Equal(10, counts.Length);
        // Four deviations of a binomial of 10,000 with a tenth.
        Assert.All(counts, count => Assert.InRange(count, 880, 1120));
        Assert.Equal(numbers.Length, numbers.Distinct().Count());
        Assert.NotEqual(numbers[0], Philox.Uniform(8, 0));
    }
}
