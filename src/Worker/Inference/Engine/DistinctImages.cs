using System.Diagnostics.CodeAnalysis;
using VlWorker.Decoding;

namespace VlWorker.Inference.Engine;

/// <summary>The images of a batch, each once: several questions about one image, or several tasks, come as rows with the same pixels.</summary>
internal sealed class DistinctImages
{
    private readonly List<PreparedPixels> _images = [];
    private readonly Dictionary<PreparedPixels, int> _places = new(new SamePixels());

    /// <summary>All that differ, in the order in which they were added; they stay the caller's.</summary>
    public IReadOnlyList<PreparedPixels> Images => _images;

    /// <summary>Adds an image unless its like is there.</summary>
    /// <returns>Its place among <see cref="Images"/>.</returns>
    public int Add(PreparedPixels image)
    {
        if (!image.IsMadeUp && !_places.TryAdd(image, _images.Count))
            return _places[image];
        _images.Add(image);
        return _images.Count - 1;
    }

    private sealed class SamePixels : IEqualityComparer<PreparedPixels>
    {
        // Bytes that tell photographs apart; whether two are the same is never left to them.
        private const int Samples = 61;

        public bool Equals(PreparedPixels? left, PreparedPixels? right) => ReferenceEquals(left, right)
            || (left is not null && right is not null && Shape(left) == Shape(right) && left.Rgb.SequenceEqual(right.Rgb));

        public int GetHashCode([DisallowNull] PreparedPixels image)
        {
            var bytes = image.Rgb;
            var hash = default(HashCode);
            hash.Add(Shape(image));
            var step = Math.Max(1, bytes.Length / Samples);
            for (var i = 0; i < bytes.Length; i += step)
                hash.Add(bytes[i]);
            return hash.ToHashCode();
        }

        private static (int Width, int Height, int Rows, int Columns) Shape(PreparedPixels image) =>
            (image.Width, image.Height, image.TileRows, image.TileColumns);
    }
}
