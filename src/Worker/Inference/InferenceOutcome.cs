using VlWorker.Contracts;

namespace VlWorker.Inference;

/// <summary>What became of one row.</summary>
internal abstract record InferenceOutcome;

/// <summary>A generated text, or several, best first.</summary>
internal sealed record CaptionOutcome(IReadOnlyList<GeneratedSequence> Sequences) : InferenceOutcome;

/// <summary>One generated sequence.</summary>
/// <param name="TokenIds">As generate() returns them: the start token included, padding left out.</param>
/// <param name="Text">Decoded without special tokens.</param>
/// <param name="Score">Beam search: sum of log-probabilities / length^penalty; greedy: mean log-probability of the generated tokens.</param>
/// <param name="GeneratedTokens">Tokens generated, the end token included, the start token not.</param>
internal sealed record GeneratedSequence(IReadOnlyList<int> TokenIds, string Text, double Score, int GeneratedTokens);

/// <summary>What was found in an image, in pixels of the upright original.</summary>
internal sealed record DetectionOutcome(IReadOnlyList<Detection> Detections) : InferenceOutcome;

/// <summary>Labels with their scores.</summary>
internal sealed record ClassificationOutcome(Classification Classification) : InferenceOutcome;

/// <summary>An L2-normalised embedding.</summary>
internal sealed record EmbeddingOutcome(float[] Values) : InferenceOutcome;

/// <summary>This row failed; its batch-mates did not.</summary>
internal sealed record FailedOutcome(Exception Error) : InferenceOutcome;
