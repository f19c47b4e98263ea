using System.Numerics.Tensors;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Journal;

namespace VlWorker.Describing;

/// <summary>Scores of labels: the likeness of an image's vector to each label's, which the text tower makes in batches with other texts.</summary>
internal sealed class LabelClassifier(RowSubmitter rows)
{
    /// <summary>Of a thousand floats each, 16 MB.</summary>
    private const int LabelsKept = 4096;

    /// <summary>Labels of one request in the batcher at a time: a long list must not fill the queue of all.</summary>
    private const int LabelsAtOnce = 128;

    private readonly LabelCache _cache = new(LabelsKept);

    /// <summary>Scores an image whose vector is there.</summary>
    /// <param name="plan">The task, with its labels.</param>
    /// <param name="image">The image's vector, of length 1.</param>
    /// <param name="terms">How urgent the labels' rows are.</param>
    /// <param name="mark">Whose work they are.</param>
    /// <param name="cancellation">Nobody waits any more.</param>
    /// <inheritdoc cref="DynamicBatcher.SubmitAsync" path="/exception"/>
    public async Task<ClassificationOutcome> ScoreAsync(
        TaskPlan plan, EmbeddingOutcome image, RowTerms terms, WorkMark? mark, CancellationToken cancellation)
    {
        var (set, similarity) = (plan.Labels!, plan.Model.Similarity!);
        var logits = new double[set.Labels.Count];
        for (var start = 0; start < logits.Length; start += LabelsAtOnce)
        {
            var part = set.Labels.Skip(start).Take(LabelsAtOnce);
            var vectors = await Task.WhenAll(part.Select(label => EmbedAsync(plan.Model, set.TextOf(label), terms, mark, cancellation)));
            for (var i = 0; i < vectors.Length; i++)
                logits[start + i] = (similarity.Scale * TensorPrimitives.Dot(image.Values, vectors[i])) + similarity.Bias;
        }

        var scores = Scores(logits, similarity.Function);
        return new ClassificationOutcome(new Classification
        {
            Function = similarity.Function,
            Labels = [.. set.Labels.Select((label, i) => new LabelScore { Label = label, Score = scores[i] }).OrderByDescending(label => label.Score)],
        });
    }

    /// <summary>What scores become of logits.</summary>
    public static double[] Scores(ReadOnlySpan<double> logits, string function)
    {
        var scores = logits.ToArray();
        if (function == ScoreFunctions.Sigmoid)
        {
            TensorPrimitives.Sigmoid(logits, scores);
            return scores;
        }

        // The largest becomes 0, so that no exponential is beyond what a number holds.
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max(logits), scores);
        TensorPrimitives.SoftMax<double>(scores, scores);
        return scores;
    }

    private async Task<float[]> EmbedAsync(IModel model, string text, RowTerms terms, WorkMark? mark, CancellationToken cancellation)
    {
        var asked = _cache.Ask(model.Reference, text, terms, out var first);
        while (!first)
        {
            if (await asked.Values.WaitAsync(cancellation) is { } known)
                return known;
            asked = _cache.Ask(model.Reference, text, terms, out first);
        }

        float[]? vector = null;
        try
        {
            var outcome = await rows.SubmitAsync(new TextInput(model.Tokenize(text)) { Mark = mark }, model, terms, cancellation);
            return vector = ((EmbeddingOutcome)outcome.Outcome).Values;
        }
        finally
        {
            _cache.Settle(asked, vector);
        }
    }
}
