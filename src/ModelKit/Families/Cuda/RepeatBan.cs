using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>
/// Keeps n-grams from occurring twice, as <c>no_repeat_ngram_size</c> of transformers does: what would complete one that a row has already scores so
/// low that it is never chosen. The rows' tokens so far are on the device for that, and follow the beams.
/// </summary>
internal sealed class RepeatBan
{
    private readonly CudaGraph _graph;
    private readonly int _size;

    /// <summary>Declares what it takes.</summary>
    /// <param name="graph">The graph; has <see cref="CaptionerNames.CachePositions"/> and <see cref="CaptionerNames.Position"/>.</param>
    /// <param name="size">Tokens of an n-gram.</param>
    /// <param name="ids">This step's tokens, [images, beams].</param>
    public RepeatBan(CudaGraph graph, int size, string ids)
    {
        (_graph, _size) = (graph, size);
        var history = Builder.Input(CaptionerNames.History(size), ElementType.Int64, "rows", "length");
        var now = Builder.Node("Equal", [CaptionerNames.CachePositions, CaptionerNames.Position]);
        History = Builder.Node("Where", [now, Builder.Node("Reshape", [ids, graph.Integers(-1, 1)]), history]);
    }

    /// <summary>The rows' tokens, this step's included, [images * beams, length].</summary>
    public string History { get; }

    private GraphBuilder Builder => _graph.Builder;

    /// <summary>Scores with those tokens kept down.</summary>
    /// <param name="scores">[images * beams, columns].</param>
    /// <param name="columns">Columns of the scores; the last one means no token.</param>
    public string Apply(string scores, int columns)
    {
        var repeated = Counts();
        for (var i = 0; i < _size - 1; i++)
        {
            // The same token in the i-th place of an n-gram before and of the one that would be completed now.
            var place = Builder.Node("Reshape", [Builder.Node("Add", [CaptionerNames.Position, _graph.Integers(i + 2 - _size)]), _graph.Integers(1)]);
            var last = Builder.Node("Gather", [History, place], ("axis", 1));
            repeated = Builder.Node("And", [repeated, Builder.Node("Equal", [Part(History, i, 1), last])]);
        }

        var none = Builder.Constant(Tensor.FromInt64([columns - 1], []));
        var tokens = Builder.Node("Where", [repeated, Part(History, _size - 1, 1), none]);
        var never = Builder.Node("Expand", [_graph.Constant([CandidateHead.Never], []), Builder.Node("Shape", [tokens])]);
        return Builder.Node("ScatterElements", [scores, tokens, never], ("axis", 1));
    }

    // [images * beams, n-grams]: whether an n-gram lies within what has been generated, and its row asks for all this.
    private string Counts()
    {
        var offset = Builder.Input(CaptionerNames.HistoryOffset, ElementType.Int64, "rows", 1);
        var ends = Builder.Node("Add", [Part(CaptionerNames.CachePositions, _size - 1, 0), offset]);
        return Builder.Node("LessOrEqual", [ends, CaptionerNames.Position]);
    }

    // What lies in the i-th place of each n-gram.
    private string Part(string value, int place, int axis) => Builder.Node("Slice", [
        value, _graph.Integers(place), _graph.Integers(place == _size - 1 ? long.MaxValue : place + 1 - _size), _graph.Integers(axis)]);
}
