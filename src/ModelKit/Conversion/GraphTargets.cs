using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Conversion;

/// <summary>The builders of all targets and families. A new one is an entry here.</summary>
internal static class GraphTargets
{
    private const string Frames = "Positions of patches are those of an image that fills its frame.";

    private const string LastPosition = "The last block of the text tower computes the last position alone.";

    private const string OneProduct = "What the image tower's learned query asks of a patch is one product for each head.";

    private static readonly GraphTarget Cpu = new(
        CpuLayout.Name, [ConversionPrecision.Fp32, ConversionPrecision.Int8],
        static request => CpuModels.Build(
            request.Parameters, request.Normalization, request.Precision == ConversionPrecision.Int8 ? CpuPrecision.Int8 : CpuPrecision.Fp32),
        CpuDone);

    private static readonly GraphTarget Cuda = new(
        CudaLayout.Name, [ConversionPrecision.Fp16, ConversionPrecision.Fp32],
        static request => CudaModels.Build(
            request.Parameters, request.Normalization, request.Precision == ConversionPrecision.Fp16 ? ElementType.Float16 : ElementType.Float, request.NoRepeatNgramSize),
        CudaDone);

    // CUDA's kernels for attention in groups know no 32-bit floats.
    private static readonly GraphTarget CudaHalf = Cuda with { Precisions = [ConversionPrecision.Fp16] };

    private static readonly Dictionary<(ModelFamily Family, ConversionTarget Target), GraphTarget> All = new()
    {
        [(ModelFamily.VisionEncoderDecoder, ConversionTarget.Cpu)] = Cpu,
        [(ModelFamily.Clip, ConversionTarget.Cpu)] = Cpu,
        [(ModelFamily.Siglip, ConversionTarget.Cpu)] = Cpu,
        [(ModelFamily.Siglip2, ConversionTarget.Cpu)] = Cpu,
        [(ModelFamily.Dinov2, ConversionTarget.Cpu)] = Cpu,
        [(ModelFamily.Florence2, ConversionTarget.Cpu)] = Cpu,
        [(ModelFamily.Blip, ConversionTarget.Cpu)] = Cpu,
        [(ModelFamily.BlipVqa, ConversionTarget.Cpu)] = Cpu,
        [(ModelFamily.Idefics3, ConversionTarget.Cpu)] = Cpu,
        [(ModelFamily.SmolVlm, ConversionTarget.Cpu)] = Cpu,
        [(ModelFamily.VisionEncoderDecoder, ConversionTarget.Cuda)] = Cuda,
        [(ModelFamily.Clip, ConversionTarget.Cuda)] = Cuda,
        [(ModelFamily.Blip, ConversionTarget.Cuda)] = Cuda,
        [(ModelFamily.BlipVqa, ConversionTarget.Cuda)] = Cuda,
        [(ModelFamily.Idefics3, ConversionTarget.Cuda)] = CudaHalf,
        [(ModelFamily.SmolVlm, ConversionTarget.Cuda)] = CudaHalf,
        [(ModelFamily.Florence2, ConversionTarget.Cuda)] = Cuda,
        [(ModelFamily.Siglip, ConversionTarget.Cuda)] = Cuda,
        [(ModelFamily.Siglip2, ConversionTarget.Cuda)] = Cuda,
        [(ModelFamily.Dinov2, ConversionTarget.Cuda)] = Cuda,
    };

    /// <summary>The builder of a family for a target.</summary>
    /// <exception cref="NotSupportedException">There is none, or it does not build the precision.</exception>
    public static GraphTarget Find(ModelFamily family, ConversionOptions options)
    {
        if (!All.TryGetValue((family, options.Target), out var target))
            throw new NotSupportedException($"{family.Name} is not built for {options.TargetName}");
        if (!target.Precisions.Contains(options.Precision))
        {
            var known = string.Join(" and ", target.Precisions.Select(static precision => precision.ToString().ToLowerInvariant()));
            throw new NotSupportedException($"{family.Name} is built for {options.TargetName} in {known}, not in {options.PrecisionName}");
        }

        return target;
    }

    /// <summary>Whether a family is built for a target in a precision.</summary>
    public static bool Supports(ModelFamily family, ConversionOptions options) =>
        All.TryGetValue((family, options.Target), out var target) && target.Precisions.Contains(options.Precision);

    /// <summary>The builders of a family.</summary>
    public static IEnumerable<(ModelFamily Family, ConversionTarget Kind, GraphTarget Target)> Of(ModelFamily family) =>
        All.Where(entry => entry.Key.Family == family).Select(static entry => (entry.Key.Family, entry.Key.Target, entry.Value));

    private static string PixelsDone(ModelFamily family) => family == ModelFamily.Florence2
        ? "8-bit pixels go in." : "8-bit pixels go in: normalisation is folded into the patch projection.";

    private static string Attended(ModelFamily family) => family == ModelFamily.BlipVqa ? "a question" : "an image";

    private static IReadOnlyList<string> CpuDone(ModelFamily family, ConversionPrecision precision) =>
    [
        PixelsDone(family),
        .. family.Name switch
        {
            "clip" or "dinov2" => (string[])["The last block of the image tower computes the class token alone."],
            "siglip" => [LastPosition],
            "siglip2" => ["Images have as many patches as they fill, without padding; positions are interpolated for each.", LastPosition],
            "idefics3" or "smolvlm" =>
            [
                Frames,
                "The decoder makes logits of the last position alone, rows have lengths of their own, and it adds to its cache in place.",
            ],
            _ =>
            [
                $"The keys and values of cross attention are computed once {Attended(family)}, by the encoder.",
                "The decoder is one step without branches that adds to its cache in place.",
            ],
        },
        precision == ConversionPrecision.Int8
            ? "Linear layers have 8-bit weights; their inputs are quantised while the graph runs."
            : "Weights and arithmetic are 32-bit floats.",
    ];

    private static IReadOnlyList<string> CudaDone(ModelFamily family, ConversionPrecision precision) =>
    [
        PixelsDone(family),
        "Biases are folded into weights wherever the norms' gammas allow.",
        .. family.Name switch
        {
            "clip" or "dinov2" => (string[])["The last block of the image tower computes the class token alone."],
            "siglip" => [OneProduct, LastPosition],
            "siglip2" =>
            [
                "Images are padded to the most patches that one may have, padding is hidden; positions are interpolated for each.", OneProduct, LastPosition,
            ],
            "idefics3" or "smolvlm" =>
            [
                Frames,
                "Features take the places of their tokens on the GPU, and logits are made of each row's last position alone.",
                "A step of the decoder chooses its tokens itself, rows have lengths of their own, and it adds to its cache in place.",
            ],
            _ =>
            [
                $"What cross attention reads of {Attended(family)} is computed once, by the encoder.",
                "A step of the decoder chooses its tokens itself, greedily or by beams, and adds to its cache in place.",
            ],
        },
        precision == ConversionPrecision.Fp16 ? "Weights and arithmetic are 16-bit floats." : "Weights and arithmetic are 32-bit floats.",
    ];
}
