using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.Florence2;

namespace VlWorker.Inference.Families.Florence2;

/// <summary>Florence-2 as ModelKit builds it for the CPU: the encoder makes the decoder's keys and values of image and prompt, once.</summary>
internal sealed class CpuFlorenceEngine : FlorenceEngine<StepRun>
{
    private static readonly string[] VisionInputs = [CpuDavit.Pixels];
    private static readonly string[] VisionOutputs = [CpuGraphs.Features];
    private static readonly string[] EncoderInputs = [CpuGraphs.Features, "input_ids"];

    private readonly OnnxSession _vision;
    private readonly OnnxSession _encoder;
    private readonly StepGraph _decoder;
    private readonly string[] _cross;

    private CpuFlorenceEngine(OnnxSession vision, OnnxSession encoder, StepGraph decoder, GenerationTokens tokens)
        : base([vision, encoder, decoder], tokens, () => new StepRun(decoder))
    {
        (_vision, _encoder, _decoder) = (vision, encoder, decoder);
        _cross = [.. decoder.Cross.Select(static tensor => tensor.Input)];
        ImageTokens = vision.Outputs[CpuGraphs.Features].Dimensions[1];
        Width = vision.Outputs[CpuGraphs.Features].Dimensions[2];
    }

    /// <inheritdoc/>
    public override int Vocabulary => _decoder.Vocabulary;

    /// <inheritdoc/>
    public override int ImageTokens { get; }

    /// <inheritdoc/>
    protected override int Width { get; }

    /// <summary>Loads the graphs of an optimised folder.</summary>
    /// <exception cref="InvalidDataException">They are not of the layout known here.</exception>
    public static CpuFlorenceEngine Load(ModelFolder folder, GenerationTokens tokens, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var vision = loaded.Load(CpuLayout.Vision);
        vision.Expect(static name => VisionInputs.Contains(name));
        vision.InputType(CpuDavit.Pixels, TensorElementType.UInt8);
        if (vision.Outputs[vision.FloatOutput(CpuGraphs.Features)].Dimensions is not [_, > 0, > 0])
            throw new InvalidDataException($"{vision.Name} does not say how many tokens an image becomes");
        var encoder = loaded.Load(CpuLayout.Encoder);
        encoder.Expect(static name => EncoderInputs.Contains(name));
        var decoder = new StepGraph(loaded.Load(CpuLayout.Decoder));
        foreach (var tensor in decoder.Cross)
            encoder.FloatOutput(tensor.Input);
        loaded.HandOver();
        return new CpuFlorenceEngine(vision, encoder, decoder, tokens);
    }

    /// <inheritdoc/>
    public override void Check(ResizePlan images)
    {
        if (_vision.Inputs[CpuDavit.Pixels].Dimensions is not [_, var height, var width, 3] || height != images.Height || width != images.Width)
            throw new InvalidDataException($"images are resized to {images.Width} x {images.Height} pixels, which {_vision.Name} does not take");
        if (_encoder.Inputs[CpuGraphs.Features].Dimensions is not [_, var tokens, var size] || tokens != ImageTokens || size != Width || !_decoder.IsMasked)
            throw new InvalidDataException($"{_vision.Name}, {_encoder.Name} and the decoder do not fit each other");
    }

    /// <inheritdoc/>
    protected override void EncodeImages(ReadOnlySpan<PreparedPixels> images, FlorenceWorkspace<StepRun> workspace, CancellationToken cancellation)
    {
        var (width, height, bytes) = (images[0].Width, images[0].Height, (long)ImageTokens * Width * sizeof(float));
        workspace.Pixels.Reserve((long)width * height * 3);
        workspace.Features.Reserve(bytes * images.Length);
        for (var image = 0; image < images.Length; image++)
        {
            cancellation.ThrowIfCancellationRequested();
            images[image].Frame(0).CopyTo(workspace.Pixels.Span<byte>(0, width * height * 3));
            using var input = OnnxSession.Tensor(workspace.Pixels, TensorElementType.UInt8, 1, height, width, 3);
            using var output = OnnxSession.TensorAt(workspace.Features, bytes * image, TensorElementType.Float, [1, ImageTokens, Width]);
            _vision.Run(VisionInputs, [input], VisionOutputs, [output]);
        }
    }

    /// <inheritdoc/>
    protected override void Encode(int[][] prompts, HiddenStates states, FlorenceWorkspace<StepRun> workspace, CancellationToken cancellation)
    {
        var run = workspace.Decoder;
        for (var i = 0; i < _cross.Length; i++)
            run.Cross[i].Reserve(_decoder.Cross[i].RowBytes(states.Positions) * states.Images);
        for (var row = 0; row < prompts.Length; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            var positions = ImageTokens + prompts[row].Length;
            RunEncoder(prompts[row], row, positions, workspace);
            var from = 0L;
            for (var i = 0; i < _cross.Length; i++)
            {
                Spread(_decoder.Cross[i], workspace.Input, from, positions, run.Cross[i], row, states.Positions);
                from += _decoder.Cross[i].RowBytes(positions);
            }
        }
    }

    // A row's keys and values, one tensor behind the other.
    private void RunEncoder(int[] prompt, int row, int positions, FlorenceWorkspace<StepRun> workspace)
    {
        TokenIds.Write(new PromptBatch(prompt), prompt.Length, false, TensorElementType.Int64, workspace.Ids);
        workspace.Input.Reserve(_decoder.Cross.Sum(tensor => tensor.RowBytes(positions)));
        using var features = OnnxSession.TensorAt(
            workspace.Features, (long)row * ImageTokens * Width * sizeof(float), TensorElementType.Float, [1, ImageTokens, Width]);
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
