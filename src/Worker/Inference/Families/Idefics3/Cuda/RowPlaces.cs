namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>Where a batch's rows lie in a cache on the GPU. Rows stay where they are; only where one forks, copies of it move into free places.</summary>
/// <param name="places">The rows' first places.</param>
/// <param name="all">Places that there are.</param>
internal sealed class RowPlaces(int[] places, int all)
{
    private int[] _places = places;

    /// <summary>Rows.</summary>
    public int Count => _places.Length;

    /// <summary>Places that there are.</summary>
    public int All { get; } = all;

    /// <summary>A row's place.</summary>
    public int this[int row] => _places[row];

    /// <summary>Takes over rows: new row i is old row parents[i].</summary>
    /// <returns>The places to copy, and where to: no place is both.</returns>
    public IReadOnlyList<(int From, int To)> Arrange(ReadOnlySpan<int> parents)
    {
        var (places, taken, copies) = (new int[parents.Length], new bool[All], new List<(int From, int To)>());
        Array.Fill(places, -1);
        for (var row = 0; row < places.Length; row++)
        {
            var place = _places[parents[row]];
            if (!taken[place])
                (places[row], taken[place]) = (place, true);
        }

        for (var (row, free) = (0, 0); row < places.Length; row++)
        {
            if (places[row] >= 0)
                continue;
            while (taken[free])
                free++;
            (places[row], taken[free]) = (free, true);
            copies.Add((_places[parents[row]], free));
        }

        _places = places;
        return copies;
    }
}
