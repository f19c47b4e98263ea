using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Conversion;

/// <summary>The builders of all families and targets. A new family or target is a line here.</summary>
internal static class GraphTargets
{
    private static readonly Dictionary<(string Family, ConversionTarget Target), GraphTarget> All = new()
    {
        [(ModelFamily.VisionEncoderDecoder.ModelType, ConversionTarget.Cpu)] = new(
            CpuLayout.Name, [ConversionPrecision.Fp32, ConversionPrecision.Int8], CpuCaptioner, precision =>
            [
                "8-bit pixels go in: normalisation is folded into the patch projection.",
                "The keys and values of cross attention are computed once an image, by the encoder.",
                "The decoder is one step without branches that adds to its cache in place.",
                .. CpuWeights(precision),
            ]),
        [(ModelFamily.Clip.ModelType, ConversionTarget.Cpu)] = new(
            CpuLayout.Name, [ConversionPrecision.Fp32, ConversionPrecision.Int8], CpuEmbedder, precision =>
            [
                "8-bit pixels go in: normalisation is folded into the patch projection.",
                "The last block of the image tower computes the class token alone.",
                .. CpuWeights(precision),
            ]),
    };

    /// <summary>The builder of a family for a target.</summary>
    /// <exception cref="NotSupportedException">There is none, or it does not build the precision.</exception>
    public static GraphTarget Find(ModelFamily family, ConversionOptions options)
    {
        if (!All.TryGetValue((family.ModelType, options.Target), out var target))
            throw new NotSupportedException($"{family.ModelType} is not built for {options.TargetName}");
        if (!target.Precisions.Contains(options.Precision))
        {
            var known = string.Join(" and ", target.Precisions.Select(static precision => precision.ToString().ToLowerInvariant()));
            throw new NotSupportedException($"{family.ModelType} is built for {options.TargetName} in {known}, not in {options.PrecisionName}");
        }

        return target;
    }

    private static IReadOnlyList<TargetGraph> CpuCaptioner(GraphRequest request)
    {
        var (parameters, precision) = ((VisionEncoderDecoderParameters)request.Parameters, Cpu(request.Precision));
        return
        [
            new(CpuLayout.Encoder, () => Families.VisionEncoderDecoder.CpuGraphs.Encoder(parameters, request.Normalization, precision)),
            new(CpuLayout.Decoder, () => Families.VisionEncoderDecoder.CpuGraphs.Decoder(parameters, precision)),
        ];
    }

    private static IReadOnlyList<TargetGraph> CpuEmbedder(GraphRequest request)
    {
        var (parameters, precision) = ((ClipParameters)request.Parameters, Cpu(request.Precision));
        return
        [
            new(CpuLayout.Vision, () => Families.Clip.CpuGraphs.Vision(parameters.Vision, request.Normalization, precision)),
            new(CpuLayout.Text, () => Families.Clip.CpuGraphs.Text(parameters.Text, precision)),
        ];
    }

    private static CpuPrecision Cpu(ConversionPrecision precision) => precision == ConversionPrecision.Int8 ? CpuPrecision.Int8 : CpuPrecision.Fp32;

    private static string[] CpuWeights(ConversionPrecision precision) => precision == ConversionPrecision.Int8
        ? ["Linear layers have 8-bit weights; their inputs are quantised while the graph runs."]
        : ["Weights and arithmetic are 32-bit floats."];
}
