using VlWorker.Contracts;
using VlWorker.Decoding;

namespace VlWorker.Describing;

/// <summary>A captioned image as the status page shows it.</summary>
/// <param name="Id">Counts up; never used twice in one process.</param>
/// <param name="Key">The object's key; null where the image came with the request.</param>
/// <param name="Caption">The caption.</param>
/// <param name="Model">The model's alias.</param>
/// <param name="Width">Pixels of the original, upright.</param>
/// <param name="Height">Pixels of the original, upright.</param>
/// <param name="At">When the caption was there.</param>
/// <param name="Thumbnail">A WebP file.</param>
internal sealed record RecentImage(
    long Id, string? Key, string Caption, string Model, int Width, int Height, DateTimeOffset At, byte[] Thumbnail);

/// <summary>The last captions with their thumbnails: a sample, bounded in number, rate and size, so that keeping it costs next to nothing.</summary>
/// <param name="capacity">Images kept; 0 keeps none, and then nothing of any image outlives its request.</param>
/// <param name="time">The clock.</param>
internal sealed class RecentImages(int capacity, TimeProvider time)
{
    /// <summary>A thumbnail takes about 2 ms: one in this time is a small part of a thousandth of the machine.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly LinkedList<RecentImage> _images = new();
    private long _sampled = time.GetTimestamp() - time.TimestampFrequency;
    private long _lastId;

    /// <summary>Whether any are kept.</summary>
    public bool IsOn => capacity > 0;

    /// <summary>The images kept, newest first.</summary>
    public IReadOnlyList<RecentImage> All
    {
        get
        {
            lock (_gate)
                return [.. _images];
        }
    }

    /// <summary>The image of that id, or null once newer ones have taken its place.</summary>
    public RecentImage? Find(long id)
    {
        lock (_gate)
            return _images.FirstOrDefault(image => image.Id == id);
    }

    /// <summary>A thumbnail of the image if its turn has come; null otherwise. To be called while the pixels are still the caller's.</summary>
    public byte[]? Sample(DecodedImage image, IReadOnlyList<TaskPlan> plans)
    {
        if (capacity == 0 || !plans.Any(plan => plan.Task == Tasks.Caption))
            return null;
        var last = Volatile.Read(ref _sampled);
        if (time.GetElapsedTime(last) < Interval || Interlocked.CompareExchange(ref _sampled, time.GetTimestamp(), last) != last)
            return null;
        return Thumbnail.Of(image, plans[0].Model.Images!.Resize);
    }

    /// <summary>Keeps an image whose caption has come. Without a thumbnail it was no part of the sample.</summary>
    public void Add(byte[]? thumbnail, string? key, Description description)
    {
        if (thumbnail is null || description.Outputs.FirstOrDefault(output => output.Caption is not null) is not { } output)
            return;
        lock (_gate)
        {
            var (width, height) = (description.Image.Width, description.Image.Height);
            _images.AddFirst(new RecentImage(++_lastId, key, output.Caption!.Text, output.Model.Alias, width, height, time.GetUtcNow(), thumbnail));
            if (_images.Count > capacity)
                _images.RemoveLast();
        }
    }
}
