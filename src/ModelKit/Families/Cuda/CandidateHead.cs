using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>From the last block's state to the next tokens.</summary>
internal static class CandidateHead
{
    // Columns that the product's kernels like; what is added to the vocabulary never wins.
    private const int Multiple = 128;
    private const int Pad = 8;

    /// <summary>Below every logit; fits 16-bit floats.</summary>
    public const float Never = -60000;

    /// <summary>Columns of the logits.</summary>
    public static int Columns(int vocabulary) => vocabulary % (Multiple / 2) == 0 ? vocabulary : (vocabulary + Multiple - 1) / Multiple * Multiple;

    /// <summary>Logits [rows, <see cref="Columns"/>] of states [..., D].</summary>
    public static string Logits(CudaGraph graph, VocabularyHead head, string states)
    {
        var rows = graph.Builder.Node("Reshape", [states, graph.Integers(-1, head.Weight.Columns)]);
        if (head.Transform is { } transform)
            rows = graph.Norm(graph.Activate(rows, transform.Dense, transform.Activation), transform.Norm);
        if (head.Columns == head.Vocabulary && head.Bias is null)
            return graph.Builder.Node("Gemm", [rows, graph.Weight(head.Weight)], ("transB", 1));
        // A column of ones carries the bias and what keeps the added tokens down: cheaper than adding a bias to all logits.
        var padded = graph.Builder.Node("Pad", [rows, graph.Integers(0, 0, 0, Pad), graph.Constant([1], [])]);
        return graph.Builder.Node("Gemm", [padded, graph.Weight(Widen(head))], ("transB", 1));
    }

    /// <summary>Greedy search: the best token of each row, and its log-probability.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="logits">[images, columns].</param>
    /// <param name="columns">Columns of the logits.</param>
    /// <param name="ngrams">Length of the n-grams that must not repeat; 0 is off.</param>
    public static void Greedy(CudaGraph graph, string logits, int columns, int ngrams = 0)
    {
        var (builder, scores) = (graph.Builder, logits);
        if (ngrams > 0)
        {
            builder.Input(CaptionerNames.CachePositions, ElementType.Int64, "length");
            var ban = new RepeatBan(graph, ngrams, CaptionerNames.Ids);
            scores = ban.Apply(logits, columns);
            builder.Output(ban.History, CaptionerNames.NextHistory, ElementType.Int64, "images", "length");
        }

        var next = builder.Node("ArgMax", [scores], ("axis", -1), ("keepdims", 1));
        var probability = builder.Node("GatherElements", [builder.Node("LogSoftmax", [scores], ("axis", -1)), next], ("axis", 1));
        builder.Output(next, CaptionerNames.NextIds, ElementType.Int64, "images", 1);
        builder.Output(probability, CaptionerNames.LogProbability, graph.Type, "images", 1);
        builder.Output(logits, CaptionerNames.Logits, graph.Type, "images", columns);
    }

    /// <summary>
    /// Beam search: the best 2 * beams continuations of each image, of which the best that do not end go on, as transformers does it.
    /// </summary>
    /// <param name="graph">The graph.</param>
    /// <param name="logits">[images * beams, columns].</param>
    /// <param name="columns">Columns of the logits.</param>
    /// <param name="indirection">See <see cref="CaptionerNames.Indirection"/>.</param>
    /// <param name="ngrams">Length of the n-grams that must not repeat; 0 is off.</param>
    public static void Beams(CudaGraph graph, string logits, int columns, string indirection, int ngrams = 0)
    {
        var b = graph.Builder;
        b.Input(CaptionerNames.CachePositions, ElementType.Int64, "length");
        var ban = ngrams > 0 ? new RepeatBan(graph, ngrams, CaptionerNames.Ids) : null;
        var count = b.Input(CaptionerNames.CandidateCount, ElementType.Int64, 1);
        var scores = b.Input(CaptionerNames.Scores, ElementType.Float, "images", "beams");
        // What is kept from repeating takes no part in the choice, but does in the softmax: as in transformers.
        var probabilities = b.Node("LogSoftmax", [logits], ("axis", -1));
        var best = b.Nodes("TopK", "", [ban?.Apply(probabilities, columns) ?? probabilities, count], [true, true], ("axis", -1));
        var sums = b.Node("Add", [
            b.Node("Reshape", [b.Node("Cast", [best[0]], ("to", ElementType.Float)), b.Node("Concat", [b.Node("Shape", [scores]), graph.Integers(-1)], ("axis", 0))]),
            b.Node("Unsqueeze", [scores, graph.Integers(2)])]);
        var flat = b.Node("Concat", [b.Node("Shape", [scores], ("start", 0), ("end", 1)), graph.Integers(-1)], ("axis", 0));
        var candidates = b.Nodes("TopK", "", [b.Node("Reshape", [sums, flat]), count], [true, true], ("axis", -1));
        var tokens = b.Node("GatherElements", [b.Node("Reshape", [best[1], flat]), candidates[1]], ("axis", 1));
        var owners = b.Node("Gather", [b.Input(CaptionerNames.CandidateOwners, ElementType.Int64, "owners"), candidates[1]]);
        Continue(graph, candidates[0], tokens, owners, indirection, ban?.History);
        b.Output(tokens, CaptionerNames.CandidateTokens, ElementType.Int64, "images", "candidates");
        b.Output(owners, CaptionerNames.CandidateBeams, ElementType.Int64, "images", "candidates");
        b.Output(candidates[0], CaptionerNames.CandidateScores, ElementType.Float, "images", "candidates");
        b.Output(logits, CaptionerNames.Logits, graph.Type, "rows", columns);
    }

    private static void Continue(CudaGraph graph, string sums, string tokens, string owners, string indirection, string? history)
    {
        var b = graph.Builder;
        var ended = b.Node("Equal", [tokens, b.Input(CaptionerNames.EndToken, ElementType.Int64, 1)]);
        var alive = b.Node("Where", [ended, b.Constant(Tensor.Scalar(-1e9f)), sums]);
        var running = b.Nodes("TopK", "", [alive, b.Input(CaptionerNames.BeamCount, ElementType.Int64, 1)], [true, true], ("axis", -1));
        var next = b.Node("GatherElements", [tokens, running[1]], ("axis", 1));
        var parents = b.Node("GatherElements", [owners, running[1]], ("axis", 1));
        // A beam's history is its parent's; this step's key lies in the parent's row.
        var rows = b.Node("Add", [parents, b.Input(CaptionerNames.FirstBeams, ElementType.Int64, "images", 1)]);
        var flat = b.Node("Concat", [graph.Integers(-1), b.Node("Shape", [indirection], ("start", 2), ("end", 3))], ("axis", 0));
        var inherited = b.Node("Gather", [b.Node("Reshape", [indirection, flat]), rows]);
        var now = b.Node("Equal", [CaptionerNames.CachePositions, CaptionerNames.Position]);
        var here = b.Node("Unsqueeze", [b.Node("Cast", [parents], ("to", ElementType.Int32)), graph.Integers(2)]);
        b.Output(next, CaptionerNames.NextIds, ElementType.Int64, "images", "beams");
        b.Output(running[0], CaptionerNames.NextScores, ElementType.Float, "images", "beams");
        b.Output(b.Node("Where", [now, here, inherited]), CaptionerNames.NextIndirection, ElementType.Int32, "images", "beams", "length");
        if (history is not null)
            b.Output(b.Node("Gather", [history, rows]), CaptionerNames.NextHistory, ElementType.Int64, "images", "beams", "length");
    }

    private static Matrix Widen(VocabularyHead head)
    {
        var (rows, columns) = (head.Columns, head.Weight.Columns + Pad);
        var values = new float[rows * columns];
        for (var row = 0; row < rows; row++)
        {
            if (row < head.Vocabulary)
                head.Weight.Row(row).CopyTo(values.AsSpan(row * columns));
            values[(row * columns) + head.Weight.Columns] = row < head.Vocabulary ? head.Bias?[row] ?? 0 : Never;
        }

        return new Matrix(rows, columns, values);
    }
}
