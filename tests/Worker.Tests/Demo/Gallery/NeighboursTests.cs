using System.Numerics.Tensors;
using VlWorker.Demo.Gallery;

namespace VlWorker.Worker.Tests.Demo.Gallery;

public sealed class NeighboursTests
{
    [Fact]
    public void The_most_similar_come_first_and_none_is_its_own_neighbour()
    {
        float[]?[] rows = [[1, 0], [0.8f, 0.6f], [0, 1], [0.6f, 0.8f]];

        var found = Neighbours.Find(rows, 2);

        Assert.Equal([1, 3], found[0]);
        Assert.Equal([3, 0], found[1]);
        Assert.Equal([3, 1], found[2]);
        Assert.Equal([1, 2], found[3]);
    }

    [Fact]
    public void Equal_images_stand_in_the_order_of_their_index()
    {
        float[]?[] rows = [[1, 0], [1, 0], [1, 0], [1, 0]];

        Assert.Equal([0, 1], Neighbours.Find(rows, 2)[3]);
        Assert.Equal([1, 2], Neighbours.Find(rows, 2)[0]);
    }

    [Fact]
    public void Images_without_an_embedding_have_none_and_are_none()
    {
        float[]?[] rows = [[1, 0], null, [0, 1], [1, 0, 0]];

        var found = Neighbours.Find(rows, 5);

        Assert.Equal([2], found[0]);
        Assert.Empty(found[1]);
        Assert.Empty(found[3]);
    }

    [Fact]
    public void They_are_those_of_a_full_sort()
    {
        var rows = Vectors(60, 16);

        var found = Neighbours.Find(rows, 12);

        for (var i = 0; i < rows.Length; i++)
        {
            var expected = Enumerable.Range(0, rows.Length).Where(j => j != i)
                .OrderByDescending(j => TensorPrimitives.Dot<float>(rows[i], rows[j])).Take(12);
            Assert.Equal(expected, found[i]);
        }
    }

    [Fact]
    public void The_pages_vectors_have_the_same_cosines_within_a_hundredth()
    {
        var rows = Vectors(80, 128);
        var block = VectorBlock.From(rows);

        for (var i = 0; i < rows.Length; i++)
            Assert.All(rows.Select((row, j) => Math.Abs(TensorPrimitives.Dot<float>(rows[i], row) - block.Cosine(i, block, j))), error => Assert.InRange(error, 0, 0.01));
    }

    [Fact]
    public void A_missing_row_has_scale_zero_and_bytes_are_little_endian()
    {
        var block = VectorBlock.From([null, [-1f, 0.5f]]);

        Assert.Equal([0, 0, 0x81, 64], block.ValueBytes().ToArray());
        Assert.Equal([0, 0, 0, 0, .. BitConverter.GetBytes(1f / 127)], block.ScaleBytes().ToArray());
    }

    private static float[][] Vectors(int count, int dimensions)
    {
        var random = new Random(7);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var row = Enumerable.Range(0, dimensions).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
            var norm = TensorPrimitives.Norm<float>(row);
            return Array.ConvertAll(row, value => value / norm);
        })];
    }
}
