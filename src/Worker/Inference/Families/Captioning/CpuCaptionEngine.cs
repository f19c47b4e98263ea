using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.Captioning;

/// <summary>A captioner as ModelKit builds it for the CPU: the encoder makes the decoder's keys and values of the image, once.</summary>
internal sealed class CpuCaptionEngine : CaptionEngine<StepRun>
{
    private readonly PatchEncoder _encoder;
    private readonly StepGraph _decoder;

    private CpuCaptionEngine(PatchEncoder encoder, StepGraph decoder, Generator generator)
        : base(encoder, decoder, generator, () => new StepRun(decoder)) => (_encoder, _decoder) = (encoder, decoder);

    /// <inheritdoc/>
    public override int Vocabulary => _decoder.Vocabulary;

    /// <summary>Loads the graphs of an optimised folder.</summary>
    /// <exception cref="InvalidDataException">They are not of the layout known here.</exception>
    public static CpuCaptionEngine Load(ModelFolder folder, GenerationTokens tokens, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var decoder = new StepGraph(loaded.Load(CpuLayout.Decoder));
        var encoder = new PatchEncoder(loaded.Load(CpuLayout.Encoder), [.. decoder.Cross.Select(static tensor => tensor.Input)]);
        loaded.HandOver();
        return new CpuCaptionEngine(encoder, decoder, new Generator(tokens));
    }

    /// <inheritdoc/>
    public override void Check(ResizePlan images)
    {
        _encoder.Check(images);
        for (var i = 0; i < _decoder.Cross.Count; i++)
        {
            var tensor = _decoder.Cross[i];
            if (!_encoder.ShapeOf(i).SequenceEqual([tensor.Heads, tensor.Positions, tensor.Size]))
                throw new InvalidDataException($"the encoder gives {tensor.Input} in another shape than the decoder takes");
        }
    }

    /// <inheritdoc/>
    protected override HiddenStates Encode(ReadOnlySpan<PreparedPixels> images, TensorBuffer pixels, StepRun run, CancellationToken cancellation)
    {
        _encoder.Encode(images, pixels, run.Cross, cancellation);
        return new HiddenStates(images.Length, _decoder.Cross[0].Positions, 0);
    }
}
