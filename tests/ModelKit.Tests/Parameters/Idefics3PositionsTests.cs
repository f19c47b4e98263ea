using System.Text;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Tests.Parameters;

/// <summary>Which position a patch has, by the version that wrote the checkpoint.</summary>
public sealed class Idefics3PositionsTests
{
    /// <summary>Only some versions move patches, and in 32-bit floats only.</summary>
    [Theory]
    [InlineData("""{"transformers_version": "4.57.3"}""", true)]
    [InlineData("""{"transformers_version": "4.55.0.dev0", "dtype": "float32"}""", true)]
    [InlineData("""{"transformers_version": "4.57.3", "torch_dtype": "bfloat16"}""", false)]
    [InlineData("""{"transformers_version": "4.47.1"}""", false)]
    [InlineData("""{"transformers_version": "5.17.0"}""", false)]
    [InlineData("""{"transformers_version": "unknown"}""", false)]
    [InlineData("{}", false)]
    public void Patches_are_where_the_version_had_them(string json, bool moved)
    {
        const int Side = 4;
        var table = new Matrix(Side * Side, 1, [.. Enumerable.Range(0, Side * Side).Select(position => (float)position)]);
        var found = Idefics3Positions.OfSquare(table, Idefics3Positions.FactorOf(JsonFile.Parse("config.json", Encoding.UTF8.GetBytes(json))));

        int[] places = moved ? [0, 0, 1, 2] : [0, 1, 2, 3];
        Assert.Equal([.. places.SelectMany(row => places.Select(column => (float)((row * Side) + column)))], found.Values);
    }
}
