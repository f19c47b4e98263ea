namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>Inputs and outputs of a captioner's graphs for CUDA.</summary>
internal static class CaptionerNames
{
    private const string HistoryPrefix = "history.";

    /// <summary>[images, beams] of int64, on the device: the tokens to go on from; beams is 1 in greedy search.</summary>
    public const string Ids = "input_ids";

    /// <summary>[1, 1] of int64, on the device: the tokens' position.</summary>
    public const string Position = "position";

    /// <summary>[1] of int32, on the host: positions in the cache already, the same number.</summary>
    public const string PastLength = "past_length";

    /// <summary>[1] of int32, on the host.</summary>
    public const string BeamWidth = "beam_width";

    /// <summary>[images, beams, cache length] of int32: for each beam and position the beam whose cache row holds it.</summary>
    public const string Indirection = "cache_indirection";

    /// <summary>What <see cref="Indirection"/> is after the step.</summary>
    public const string NextIndirection = "next_cache_indirection";

    /// <summary>[cache length] of int64, on the device: 0, 1, 2, ...</summary>
    public const string CachePositions = "cache_positions";

    /// <summary>[images, beams] of float32: the beams' sums of log-probabilities.</summary>
    public const string Scores = "scores";

    /// <summary>What <see cref="Scores"/> is after the step.</summary>
    public const string NextScores = "next_scores";

    /// <summary>[images, 1] of int64: the number of the image's first beam, image * beams.</summary>
    public const string FirstBeams = "first_beams";

    /// <summary>[beams * 2 * beams] of int64: the beam that each of the candidates continues.</summary>
    public const string CandidateOwners = "candidate_owners";

    /// <summary>[1] of int64, on the host: 2 * beams.</summary>
    public const string CandidateCount = "candidate_count";

    /// <summary>[1] of int64, on the host.</summary>
    public const string BeamCount = "beam_count";

    /// <summary>[1] of int64, on the device: the end token.</summary>
    public const string EndToken = "end_token";

    /// <summary>[images, beams] of int64: the tokens chosen, the next step's <see cref="Ids"/>.</summary>
    public const string NextIds = "next_ids";

    /// <summary>[images, 1]: the log-probability of each token of greedy search.</summary>
    public const string LogProbability = "log_probability";

    /// <summary>What <see cref="History"/> is after the step, of the beams that go on.</summary>
    public const string NextHistory = "next_history";

    /// <summary>[images * beams, 1] of int64: 0 for rows whose n-grams must not repeat, more than any length for others.</summary>
    public const string HistoryOffset = "history_offset";

    /// <summary>[images * beams, padded vocabulary]; what is beyond the vocabulary is far below every logit.</summary>
    public const string Logits = "logits";

    /// <summary>[images, 2 * beams] of int64: tokens of the candidates, best first.</summary>
    public const string CandidateTokens = "candidate_tokens";

    /// <summary>[images, 2 * beams] of int64: the beams that they continue.</summary>
    public const string CandidateBeams = "candidate_beams";

    /// <summary>[images, 2 * beams] of float32: their sums of log-probabilities.</summary>
    public const string CandidateScores = "candidate_scores";

    /// <summary>[images * beams, cache length] of int64, where n-grams must not repeat: the rows' tokens before this step's. The name says how long an n-gram is.</summary>
    public static string History(int size) => $"{HistoryPrefix}{size}";

    /// <summary>How long the n-grams are that a step with these inputs keeps from repeating; 0 where it keeps none.</summary>
    public static int NgramSize(IEnumerable<string> inputs) =>
        inputs.FirstOrDefault(name => name.StartsWith(HistoryPrefix, StringComparison.Ordinal)) is { } found
            ? int.Parse(found.AsSpan(HistoryPrefix.Length), System.Globalization.CultureInfo.InvariantCulture) : 0;

    /// <summary>[images, positions, width]: the encoder's states, from the encoder to every step, where <see cref="LatentCross"/> makes keys and values needless.</summary>
    public const string States = "encoder_states";

    /// <summary>[images, positions, heads * size] of a layer: keys of the image, from the encoder to every step.</summary>
    public static string CrossKey(int layer) => $"cross.{layer}.key";

    /// <summary>As <see cref="CrossKey"/>, values.</summary>
    public static string CrossValue(int layer) => $"cross.{layer}.value";

    /// <summary>[images * beams, heads, cache length, size]: keys of the tokens so far, in the kernel's own order.</summary>
    public static string PastKey(int layer) => $"past.{layer}.key";

    /// <summary>As <see cref="PastKey"/>, values.</summary>
    public static string PastValue(int layer) => $"past.{layer}.value";

    /// <summary><see cref="PastKey"/> with this step's key: the same memory.</summary>
    public static string PresentKey(int layer) => $"present.{layer}.key";

    /// <summary><see cref="PastValue"/> with this step's value: the same memory.</summary>
    public static string PresentValue(int layer) => $"present.{layer}.value";
}
