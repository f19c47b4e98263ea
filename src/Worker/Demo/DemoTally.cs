using VlWorker.Contracts;
using VlWorker.Demo.Gallery;

namespace VlWorker.Demo;

/// <summary>Collects what the images' answers say, for the page and the summary. Safe for many threads.</summary>
internal sealed class DemoTally
{
    private readonly Lock _gate = new();
    private readonly List<GalleryImage> _images = [];
    private readonly List<Timings> _timings = [];
    private readonly List<GalleryNote> _rejected = [];
    private readonly List<GalleryNote> _failed = [];
    private readonly Dictionary<string, GalleryModel> _models = new(StringComparer.Ordinal);

    /// <summary>Described images in the order of their keys.</summary>
    public IReadOnlyList<GalleryImage> Images => Snapshot(_images, (a, b) => string.CompareOrdinal(a.Key, b.Key));

    /// <summary>Rejected images in the order of their keys.</summary>
    public IReadOnlyList<GalleryNote> Rejected => Snapshot(_rejected, (a, b) => string.CompareOrdinal(a.Key, b.Key));

    /// <summary>Images that got neither.</summary>
    public IReadOnlyList<GalleryNote> Failed => Snapshot(_failed, (a, b) => string.CompareOrdinal(a.Key, b.Key));

    /// <summary>The models that answered, by task.</summary>
    public IReadOnlyList<GalleryModel> Models
    {
        get
        {
            lock (_gate)
                return [.. _models.Values.OrderBy(model => model.Task, StringComparer.Ordinal)];
        }
    }

    /// <summary>Adds an answer.</summary>
    public void Add(string key, Answer answer)
    {
        lock (_gate)
        {
            if (answer.Rejection is { } rejection)
                _rejected.Add(new GalleryNote(key, rejection.Reason, rejection.Detail));
            else if (answer.Image is { } image)
                Add(key, image);
        }
    }

    /// <summary>Adds an image without an answer.</summary>
    public void Fail(string key, string reason, string detail)
    {
        lock (_gate)
            _failed.Add(new GalleryNote(key, reason, detail));
    }

    /// <summary>Milliseconds of one image in each stage, in the order of data's way.</summary>
    public IReadOnlyList<StageTime> Stages()
    {
        lock (_gate)
        {
            return _timings.Count == 0 ? [] :
            [
                StageTime.Of("fetch", _timings, timing => timing.Fetch),
                StageTime.Of("decode and resize", _timings, timing => timing.Decode),
                StageTime.Of("wait for a batch", _timings, timing => timing.BatchWait),
                StageTime.Of("inference of the batch", _timings, timing => timing.Inference),
            ];
        }
    }

    /// <summary>Mean number of rows in the batches, as seen by an image.</summary>
    public double MeanBatch()
    {
        lock (_gate)
            return _timings.Count == 0 ? 0 : _timings.Average(timing => timing.BatchSize);
    }

    private void Add(string key, ImageDescribed result)
    {
        var caption = result.Outputs.FirstOrDefault(output => output.Caption is not null)?.Caption?.Text;
        var embedding = result.Outputs.FirstOrDefault(output => output.Embedding is not null)?.Embedding;
        var image = result.Image;
        _images.Add(new GalleryImage(key, caption, image.Width, image.Height, image.Format, image.Bytes, embedding?.Values?.ToArray())
        {
            Answer = result.Outputs.FirstOrDefault(output => output.Answer is not null)?.Answer?.Text,
            Detections = result.Outputs.FirstOrDefault(output => output.Detections is not null)?.Detections ?? [],
        });
        _timings.Add(result.Timings);
        foreach (var output in result.Outputs)
            _models[output.Task] = new GalleryModel(output.Task, output.Model.Alias, output.Model.Revision);
    }

    private IReadOnlyList<T> Snapshot<T>(List<T> list, Comparison<T> order)
    {
        lock (_gate)
        {
            list.Sort(order);
            return [.. list];
        }
    }
}

/// <summary>Time of one image in a stage, in milliseconds.</summary>
internal sealed record StageTime(string Stage, double Mean, double Median, double Percentile95)
{
    public static StageTime Of(string stage, IReadOnlyList<Timings> timings, Func<Timings, double> time)
    {
        var sorted = timings.Select(time).Order().ToArray();
        return new StageTime(stage, sorted.Average(), sorted[(sorted.Length - 1) / 2], sorted[(int)((sorted.Length - 1) * 0.95)]);
    }
}
