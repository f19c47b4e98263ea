using VlWorker.Decoding;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Families.Prompted.Cuda;

/// <summary>The rows of a batch: their images, each once, and which rows run together.</summary>
internal sealed class PromptedBatch
{
    private readonly PromptedRow[] _rows;
    private readonly DistinctImages _images = new();
    private readonly int[] _imageOf;

    /// <param name="rows">The rows.</param>
    public PromptedBatch(PromptedRow[] rows)
    {
        _rows = rows;
        _imageOf = [.. rows.Select(row => _images.Add(row.Pixels))];
        Together = [.. Enumerable.Range(0, rows.Length).GroupBy(row => rows[row].Prompt.Length).Select(static group => group.ToArray())];
    }

    /// <summary>The images.</summary>
    public IReadOnlyList<PreparedPixels> Images => _images.Images;

    /// <summary>The rows whose prompts have one length, for each length.</summary>
    public IReadOnlyList<int[]> Together { get; }

    /// <summary>A row's prompt.</summary>
    public int[] Prompt(int row) => _rows[row].Prompt;

    /// <summary>How images get from where each lies once to places of rows, neighbours together.</summary>
    /// <param name="rows">The row of each place.</param>
    public IEnumerable<(int Place, int Image, int Count)> Copies(int[] rows)
    {
        for (var place = 0; place < rows.Length;)
        {
            var (image, count) = (_imageOf[rows[place]], 1);
            while (place + count < rows.Length && _imageOf[rows[place + count]] == image + count)
                count++;
            yield return (place, image, count);
            place += count;
        }
    }
}
