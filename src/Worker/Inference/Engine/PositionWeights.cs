using System.Collections.Concurrent;

namespace VlWorker.Inference.Engine;

/// <summary>
/// Weights of learned positions along one side of an image in those of any number of patches: torch.nn.functional.interpolate, bilinear, with
/// antialiasing and without align_corners. Thread-safe.
/// </summary>
/// <param name="learned">Learned positions along the side.</param>
internal sealed class PositionWeights(int learned)
{
    private readonly ConcurrentDictionary<int, float[]> _tables = [];

    /// <summary>Learned positions along the side.</summary>
    public int Learned => learned;

    /// <summary>The weights [patches, learned]; each row adds up to 1.</summary>
    public float[] Of(int patches) => _tables.GetOrAdd(patches, Make);

    private float[] Make(int patches)
    {
        var table = new float[patches * learned];
        // The filter is a triangle, as wide as a learned position, or as a patch where patches are wider.
        var step = (double)learned / patches;
        var reach = Math.Max(1, step);
        for (var patch = 0; patch < patches; patch++)
        {
            var center = (patch + 0.5) * step;
            var row = table.AsSpan(patch * learned, learned);
            var sum = 0.0;
            for (var place = 0; place < learned; place++)
            {
                var weight = Math.Max(0, 1 - (Math.Abs(place + 0.5 - center) / reach));
                row[place] = (float)weight;
                sum += weight;
            }

            foreach (ref var weight in row)
                weight = (float)(weight / sum);
        }

        return table;
    }
}
