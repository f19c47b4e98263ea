using VlWorker.Decoding;
using VlWorker.Inference.Families.Idefics3;
using VlWorker.Inference.Families.Idefics3.Cuda;
using VlWorker.Inference.Generation;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3.Cuda;

/// <summary>Places in which a model's graphs for CUDA run, on the processor.</summary>
/// <param name="graphs">The graphs.</param>
/// <param name="places">Rows at most.</param>
/// <param name="imageToken">The token in whose places features go.</param>
/// <param name="tokensPerFrame">Features of a frame.</param>
/// <param name="features">An image's features.</param>
internal sealed class ChatGraphDevice(ChatGraphRun graphs, int places, int imageToken, int tokensPerFrame, Func<PreparedPixels, float[]> features) : IChatDevice
{
    private readonly long[] _newest = new long[places];
    private readonly float[] _probabilities = new float[places];
    private readonly Dictionary<int, (long Token, float LogProbability)[]> _fetched = [];

    public int Places => places;

    public int Capacity => ChatGraphRun.Capacity;

    /// <summary>Runs of prompts beside rows that are running.</summary>
    public int Joins { get; private set; }

    public int SizeFor(int rows) => rows;

    public int[] Start(IReadOnlyList<ChatRow> rows, int first, CancellationToken cancellation)
    {
        if (first == 0)
            graphs.Reserve(places);
        Joins += first == 0 ? 0 : 1;
        var inputs = new ChatInputs([.. rows], imageToken, tokensPerFrame);
        var batch = new ChatBatch(inputs.Rows, inputs.Features);
        graphs.Prompts(batch, [.. inputs.Images.SelectMany(features)], first);
        Choose(first, rows.Count);
        return [.. batch.Places.Select(place => first + place)];
    }

    public void Step(int size)
    {
        graphs.Step(_newest[..size]);
        for (var place = 0; place < size; place++)
            graphs.Lengths[place]++;
        Choose(0, size);
    }

    public void Move(IReadOnlyList<RowMove> moves)
    {
        foreach (var (from, to, positions) in moves)
        {
            if (from >= 0)
            {
                Assert.Equal(graphs.Lengths[from], positions);
                graphs.Copy(from, to, positions);
            }

            (_newest[to], graphs.Lengths[to]) = from < 0 ? (0, 0) : (_newest[from], positions);
            if (from >= 0)
                (_newest[from], graphs.Lengths[from]) = (0, 0);
        }
    }

    public void Fetch(int number, int first, int count) => _fetched[number] = [.. _newest.Zip(_probabilities)];

    public void Wait(int number, int count)
    {
    }

    public (int Token, float LogProbability) Read(int number, int place) =>
        ((int)_fetched[number][place].Token, _fetched[number][place].LogProbability);

    private void Choose(int first, int count)
    {
        for (var place = first; place < first + count; place++)
        {
            var logits = graphs.Logits(place);
            _newest[place] = VectorMath.ArgMax(logits, out var maximum);
            _probabilities[place] = -VectorMath.LogSumExp(logits, maximum);
        }
    }
}
