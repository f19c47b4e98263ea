namespace VlWorker.Inference;

/// <summary>How tokens are drawn, with transformers' meaning; the order is temperature, <paramref name="TopK"/>, <paramref name="TopP"/>.</summary>
/// <param name="Temperature">Divides the scores; above 0.</param>
/// <param name="TopK">Tokens to draw among, the likeliest; 0 is all.</param>
/// <param name="TopP">Probability that the tokens to draw among have together, the likeliest first; 1 is all.</param>
/// <param name="Seed">Makes it repeatable: with the same model, image, prompt and parameters the same seed draws the same tokens.</param>
internal sealed record SamplingParameters(double Temperature, int TopK, double TopP, long Seed);
