using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.Prompted;

/// <summary>An encoder of image and prompt as ModelKit builds it for the CPU: it makes the decoder's keys and values of both, once.</summary>
internal sealed class CpuPromptedEngine : PromptedEngine<StepRun>
{
    private static readonly string[] EncoderInputs = [CpuLayout.Features, CpuLayout.Prompt];

    private readonly IFrameEncoder _vision;
    private readonly OnnxSession _encoder;
    private readonly StepGraph _decoder;
    private readonly string[] _cross;

    private CpuPromptedEngine(IFrameEncoder vision, OnnxSession encoder, StepGraph decoder, bool imageInFront, GenerationTokens tokens)
        : base([vision, encoder, decoder], tokens, () => new StepRun(decoder))
    {
        (_vision, _encoder, _decoder) = (vision, encoder, decoder);
        _cross = [.. decoder.Cross.Select(static tensor => tensor.Input)];
        ImagePositions = imageInFront ? vision.TokensPerFrame : 0;
    }

    /// <inheritdoc/>
    public override int Vocabulary => _decoder.Vocabulary;

    /// <inheritdoc/>
    public override int ImagePositions { get; }

    /// <inheritdoc/>
    protected override int Width => _vision.Width;

    /// <summary>Loads the graphs of an optimised folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tower">Takes over the image tower's graph, and checks that it takes the images.</param>
    /// <param name="imageInFront">Whether the encoder's states are the image's and the prompt's; else they are the prompt's alone.</param>
    /// <param name="tokens">What every sequence starts and ends with.</param>
    /// <param name="options">How the graphs run.</param>
    /// <exception cref="InvalidDataException">They are not of the layout known here, or do not fit each other or the images.</exception>
    public static CpuPromptedEngine Load(
        ModelFolder folder, Func<OnnxSession, IFrameEncoder> tower, bool imageInFront, GenerationTokens tokens, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var vision = tower(loaded.Load(CpuLayout.Vision));
        var encoder = loaded.Load(CpuLayout.Encoder);
        encoder.Expect(static name => EncoderInputs.Contains(name));
        var decoder = new StepGraph(loaded.Load(CpuLayout.Decoder));
        foreach (var tensor in decoder.Cross)
            encoder.FloatOutput(tensor.Input);
        if (encoder.Inputs[CpuLayout.Features].Dimensions is not [_, var tokensOfImage, var width]
            || tokensOfImage != vision.TokensPerFrame || width != vision.Width || !decoder.IsMasked)
            throw new InvalidDataException($"the image tower, {encoder.Name} and the decoder do not fit each other");
        loaded.HandOver();
        return new CpuPromptedEngine(vision, encoder, decoder, imageInFront, tokens);
    }

    /// <inheritdoc/>
    protected override void EncodeImages(ReadOnlySpan<PreparedPixels> images, PromptedWorkspace<StepRun> workspace, CancellationToken cancellation)
    {
        workspace.Features.Reserve(ImageBytes * images.Length);
        for (var image = 0; image < images.Length; image++)
            _vision.Encode(images[image], workspace.Pixels, workspace.Features, (long)image * _vision.TokensPerFrame, cancellation);
    }

    /// <inheritdoc/>
    protected override void Encode(
        int[] images, int[][] prompts, HiddenStates states, PromptedWorkspace<StepRun> workspace, CancellationToken cancellation)
    {
        var run = workspace.Decoder;
        for (var i = 0; i < _cross.Length; i++)
            run.Cross[i].Reserve(_decoder.Cross[i].RowBytes(states.Positions) * states.Images);
        for (var row = 0; row < prompts.Length; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            var positions = ImagePositions + prompts[row].Length;
            RunEncoder(prompts[row], images[row], positions, workspace);
            var from = 0L;
            for (var i = 0; i < _cross.Length; i++)
            {
                Spread(_decoder.Cross[i], workspace.Input, from, positions, run.Cross[i], row, states.Positions);
                from += _decoder.Cross[i].RowBytes(positions);
            }
        }
    }

    private long ImageBytes => (long)_vision.TokensPerFrame * Width * sizeof(float);

    // A row's keys and values, one tensor behind the other.
    private void RunEncoder(int[] prompt, int image, int positions, PromptedWorkspace<StepRun> workspace)
    {
        TokenIds.Write(new PromptBatch(prompt), prompt.Length, false, TensorElementType.Int64, workspace.Ids);
        workspace.Input.Reserve(_decoder.Cross.Sum(tensor => tensor.RowBytes(positions)));
        using var features = OnnxSession.TensorAt(
            workspace.Features, image * ImageBytes, TensorElementType.Float, [1, _vision.TokensPerFrame, Width]);
        using var tokens = OnnxSession.Tensor(workspace.Ids, TensorElementType.Int64, 1, prompt.Length);
        var outputs = new OrtValue[_cross.Length];
        try
        {
            var offset = 0L;
            for (var i = 0; i < outputs.Length; i++)
            {
                var tensor = _decoder.Cross[i];
                outputs[i] = OnnxSession.TensorAt(workspace.Input, offset, tensor.Type, [1, tensor.Heads, positions, tensor.Size]);
                offset += tensor.RowBytes(positions);
            }

            _encoder.Run(EncoderInputs, [features, tokens], _cross, outputs);
        }
        finally
        {
            foreach (var output in outputs)
                output?.Dispose();
        }
    }

    // Into the batch's memory, where each head has room for the longest row; what is left of it is zero, for a masked position still has to be a number.
    private static void Spread(CacheTensor tensor, TensorBuffer source, long from, int positions, TensorBuffer target, int row, int room)
    {
        var (used, all) = ((long)positions * tensor.Size * sizeof(float), (long)room * tensor.Size * sizeof(float));
        for (var head = 0; head < tensor.Heads; head++)
        {
            var to = (((long)row * tensor.Heads) + head) * all;
            target.CopyFrom(source, from + (head * used), to, used);
            target.Span<byte>(to + used, (int)(all - used)).Clear();
        }
    }
}
