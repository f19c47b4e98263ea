using VlWorker.Decoding;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>What stands at each position of the prompts of a batch, and the images that it needs, each once, whichever rows are about it.</summary>
internal sealed class ChatInputs
{
    private readonly DistinctImages _images = new();
    private readonly List<int> _first = [];

    /// <summary>Lays the features of the images one behind the other.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="imageToken">The token in whose places features go.</param>
    /// <param name="tokensPerFrame">Features of a frame.</param>
    public ChatInputs(ReadOnlySpan<ChatRow> rows, int imageToken, int tokensPerFrame)
    {
        Rows = new int[rows.Length][];
        for (var row = 0; row < rows.Length; row++)
        {
            var places = new List<int>();
            foreach (var image in rows[row].Images)
            {
                var place = _images.Add(image);
                if (place == _first.Count)
                {
                    _first.Add(Features);
                    Features += image.Frames * tokensPerFrame;
                }

                places.AddRange(Enumerable.Range(_first[place], image.Frames * tokensPerFrame));
            }

            var next = 0;
            Rows[row] = [.. rows[row].Request.Prompt.Select(token => token == imageToken ? ~places[next++] : token)];
        }
    }

    /// <summary>The images.</summary>
    public IReadOnlyList<PreparedPixels> Images => _images.Images;

    /// <summary>Where each image's features begin.</summary>
    public IReadOnlyList<int> First => _first;

    /// <summary>Features of all images.</summary>
    public int Features { get; private set; }

    /// <summary>For each row, at each position of its prompt: a token, or the complement of a feature's place.</summary>
    public int[][] Rows { get; }
}
