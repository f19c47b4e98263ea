using System.Globalization;
using System.Numerics.Tensors;
using System.Text.Json;

namespace VlWorker.Inference.Optimizing;

/// <summary>How far two forms of a model agree.</summary>
/// <param name="Captions">Captions compared.</param>
/// <param name="Equal">Of these, with equal tokens.</param>
/// <param name="Score">The greatest difference of the scores of equal captions.</param>
/// <param name="Cosine">The lowest cosine of two embeddings; 1 where there are none.</param>
/// <param name="Failed">Rows that one of the two could not run.</param>
internal sealed record ModelAgreement(int Captions, int Equal, double Score, double Cosine, int Failed)
{
    /// <summary>Runs both over the same rows.</summary>
    public static ModelAgreement Measure(IModel expected, IModel actual, IReadOnlyList<InferenceInput> rows, CancellationToken cancellation)
    {
        var (captions, equal, score, cosine, failed) = (0, 0, 0.0, 1.0, 0);
        // One row at a time: dynamic int8 mixes the rows of a batch a little.
        foreach (var row in rows)
        {
            switch ((expected.Run([row], cancellation)[0], actual.Run([row], cancellation)[0]))
            {
                case (CaptionOutcome first, CaptionOutcome second):
                    captions++;
                    if (!first.Sequences[0].TokenIds.SequenceEqual(second.Sequences[0].TokenIds))
                        break;
                    equal++;
                    score = Math.Max(score, Math.Abs(first.Sequences[0].Score - second.Sequences[0].Score));
                    break;
                case (EmbeddingOutcome first, EmbeddingOutcome second) when first.Values.Length == second.Values.Length:
                    cosine = Math.Min(cosine, TensorPrimitives.CosineSimilarity(first.Values, second.Values));
                    break;
                case (DetectionOutcome first, DetectionOutcome second):
                    captions++;
                    equal += JsonSerializer.Serialize(first.Detections) == JsonSerializer.Serialize(second.Detections) ? 1 : 0;
                    break;
                default:
                    failed++;
                    break;
            }
        }

        return new ModelAgreement(captions, equal, score, cosine, failed);
    }

    /// <summary>Whether it is as much as the number formats allow.</summary>
    /// <param name="exact">Whether both are in 32-bit floats.</param>
    public bool IsGood(bool exact) => Failed == 0 && (exact
        ? Equal == Captions && Score <= 1e-3 && Cosine >= 0.9999
        : Equal >= (Captions + 1) / 2 && Score <= 0.1 && Cosine >= 0.99);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Equal} of {Captions} captions equal, scores within {Score:0.0e+0}, lowest cosine {Cosine:0.0000}{(Failed > 0 ? $", {Failed} rows failed" : string.Empty)}");
}
