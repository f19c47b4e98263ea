using VlWorker.Inference.Families.Idefics3.Cuda;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3.Cuda;

public sealed class RowPlacesTests
{
    [Fact]
    public void Rows_stay_where_they_are_and_copies_of_forked_ones_go_where_nothing_is_needed()
    {
        var places = new RowPlaces([1, 0], 6);
        Assert.Equal([(1, 2), (1, 3), (0, 4), (0, 5)], places.Arrange([0, 0, 0, 1, 1, 1]));
        Assert.Empty(places.Arrange([5, 4, 3, 2, 1, 0]));
        Assert.Equal([5, 4, 0, 3, 2, 1], Enumerable.Range(0, places.Count).Select(row => places[row]));
        // Two rows leave, and one of the others forks.
        Assert.Equal([(0, 1)], places.Arrange([2, 2, 3, 0]));
        Assert.Equal([0, 1, 3, 5], Enumerable.Range(0, places.Count).Select(row => places[row]));
    }

    [Fact]
    public void Whatever_forks_and_leaves_every_row_has_what_its_parents_had()
    {
        var random = new Random(5);
        var places = new RowPlaces([0, 1, 2], 12);
        var memory = new string[12];
        (memory[0], memory[1], memory[2]) = ("a", "b", "c");
        string[] expected = ["a", "b", "c"];
        for (var step = 0; step < 200; step++)
        {
            int[] parents = [.. Enumerable.Range(0, random.Next(1, 13)).Select(_ => random.Next(expected.Length))];
            foreach (var (from, to) in places.Arrange(parents))
                memory[to] = memory[from];
            expected = [.. parents.Select((parent, row) => $"{expected[parent][^1]}{row}")];
            for (var row = 0; row < parents.Length; row++)
                memory[places[row]] = $"{memory[places[row]][^1]}{row}";
            Assert.Equal(expected, Enumerable.Range(0, places.Count).Select(row => memory[places[row]]));
        }
    }
}
