using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Sources;

/// <summary>Lists the images of a job in an order that is the same each time.</summary>
internal interface IItemSource : IDisposable
{
    /// <summary>Lists with bounded memory.</summary>
    /// <param name="position">Where to go on: <see cref="SourceEntry.Position"/> of the last entry that was taken; null begins.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ProducerException">The source as a whole can't be read.</exception>
    IAsyncEnumerable<SourceEntry> ReadAsync(string? position, CancellationToken cancellation);
}

/// <summary>One entry of a source: an image, or what is wrong with an entry.</summary>
/// <param name="Position">From here listing goes on after this entry.</param>
/// <param name="Item">The image; null if there is a fault.</param>
/// <param name="Fault">What is wrong, for a person; null if nothing is.</param>
/// <param name="Bytes">Size of the object if it is known, else 0.</param>
internal readonly record struct SourceEntry(string Position, ListedItem? Item, SourceFault? Fault, long Bytes)
{
    /// <summary>An image.</summary>
    public static SourceEntry Of(string position, ListedItem item, long bytes = 0) => new(position, item, null, bytes);

    /// <summary>An entry that is no image.</summary>
    public static SourceEntry Wrong(string position, long place, string message) => new(position, null, new SourceFault(place, message), 0);
}

/// <summary>What is wrong with an entry.</summary>
/// <param name="Place">The line or row, from 1.</param>
/// <param name="Message">A sentence.</param>
internal sealed record SourceFault(long Place, string Message);
