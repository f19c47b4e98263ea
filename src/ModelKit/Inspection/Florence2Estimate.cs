using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit.Inspection;

/// <summary>Parameters and operations of Florence-2, counted as <see cref="WorkEstimate"/> does.</summary>
internal static class Florence2Estimate
{
    /// <summary>The image tower and the layers behind it, for one image.</summary>
    public static (long Parameters, long Flops) Vision(DavitConfig config)
    {
        long parameters = 0, flops = 0;
        var (width, height) = (config.ImageWidth, config.ImageHeight);
        foreach (var stage in config.Stages)
        {
            (width, height) = (stage.Side(width), stage.Side(height));
            long tokens = (long)width * height, d = stage.Width, inner = (long)(d * config.InnerFactor);
            var kernel = (long)stage.Inputs * stage.PatchSize * stage.PatchSize * d;
            parameters += kernel + d + (2 * (stage.NormInFront ? stage.Inputs : stage.Width));
            flops += 2 * tokens * kernel;
            // Two blocks, each with two convolutions of nine values a channel.
            parameters += 2 * stage.Depth * (WorkEstimate.BlockParameters(d, inner) + (20 * d) - (config.QkvBias ? 0 : 3 * d));
            long padded = Up(width, config.WindowSize) * Up(height, config.WindowSize), window = (long)config.WindowSize * config.WindowSize;
            var among = (8 * tokens * d * d) + (4 * tokens * d * (d / stage.Groups));
            var within = (8 * padded * d * d) + (4 * padded * window * d);
            flops += stage.Depth * (among + within + (2 * ((4 * tokens * d * inner) + (36 * tokens * d))));
        }

        long last = config.Stages[^1].Width;
        parameters += (config.MaxPlaces * last) + (config.MaxTimes * last) + (last * config.Projection) + (2L * config.Projection);
        return (parameters, flops + (2 * config.Tokens * last * config.Projection));
    }

    /// <summary>The text encoder with the embeddings of tokens, for an image's tokens alone: a prompt adds a few.</summary>
    public static (long Parameters, long Flops) Encoder(BartConfig config, long tokens)
    {
        long d = config.HiddenSize, inner = config.EncoderIntermediate;
        return ((config.Vocabulary * d) + Positions(config) + (config.EncoderLayers * WorkEstimate.BlockParameters(d, inner)),
            config.EncoderLayers * WorkEstimate.BlockFlops(tokens, d, inner));
    }

    /// <summary>The decoder, for one answer; keys and values of the image are computed once.</summary>
    /// <param name="config">The text model.</param>
    /// <param name="states">Positions of the encoder.</param>
    /// <param name="tokens">Tokens of the answer.</param>
    public static (long Parameters, long Flops) Decoder(BartConfig config, long states, int tokens)
    {
        long d = config.HiddenSize, inner = config.DecoderIntermediate;
        var head = config.TiedHead ? 0 : config.Vocabulary * d;
        var parameters = head + Positions(config) + (config.DecoderLayers * (WorkEstimate.BlockParameters(d, inner) + WorkEstimate.CrossParameters(d, d)));
        return (parameters, WorkEstimate.DecoderFlops(config.DecoderLayers, d, inner, states, d, d * config.Vocabulary, tokens));
    }

    // Positions with the rows in front, and the norm behind the embeddings.
    private static long Positions(BartConfig config) =>
        ((config.MaxPositions + BartConfig.PositionOffset) * (long)config.HiddenSize) + (2L * config.HiddenSize);

    private static long Up(int side, int window) => (side + window - 1) / window * (long)window;
}
