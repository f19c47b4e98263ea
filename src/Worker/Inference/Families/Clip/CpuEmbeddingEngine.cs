using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.Clip;

/// <summary>The towers as ModelKit builds them for the CPU.</summary>
internal sealed class CpuEmbeddingEngine : IEmbeddingEngine
{
    // A text at a time: none is padded to the length of another, and none changes what another is rounded to.
    private const int TextChunk = 1;

    private readonly PatchEncoder _vision;
    private readonly TextEncoder _text;
    private readonly ObjectPool<Workspace> _workspaces = new(() => new Workspace());

    private CpuEmbeddingEngine(PatchEncoder vision, TextEncoder text) => (_vision, _text) = (vision, text);

    /// <summary>Loads the graphs of an optimised folder.</summary>
    /// <exception cref="InvalidDataException">They are not of the layout known here.</exception>
    public static CpuEmbeddingEngine Load(ModelFolder folder, ModelOptions options)
    {
        using var loaded = new LoadedGraphs(folder, options);
        var vision = new PatchEncoder(loaded.Load(CpuLayout.Vision), ["image_embeds"]);
        var text = new TextEncoder(loaded.Load(CpuLayout.Text), "text_embeds");
        loaded.HandOver();
        return new CpuEmbeddingEngine(vision, text);
    }

    /// <inheritdoc/>
    public void Check(ResizePlan images)
    {
        _vision.Check(images);
        if (!_vision.ShapeOf(0).SequenceEqual([_text.Size]))
            throw new InvalidDataException($"the towers give embeddings of different lengths; the text tower's have {_text.Size} floats");
    }

    /// <inheritdoc/>
    public void EncodeImages(ReadOnlySpan<PreparedPixels> images, ReceiveEmbeddings receive, CancellationToken cancellation)
    {
        var workspace = _workspaces.Rent();
        try
        {
            _vision.Encode(images, workspace.Inputs[0], [workspace.Results], cancellation);
            receive(workspace.Results.Span<float>(0, images.Length * _text.Size), _text.Size);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    /// <inheritdoc/>
    public void EncodeTexts(ReadOnlySpan<int[]> texts, ReceiveEmbeddings receive)
    {
        var workspace = _workspaces.Rent();
        try
        {
            _text.Encode(texts, workspace.Inputs, workspace.Results, TextChunk);
            receive(workspace.Results.Span<float>(0, texts.Length * _text.Size), _text.Size);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _workspaces.Dispose();
        _vision.Dispose();
        _text.Dispose();
    }

    /// <summary>The memory of one stream.</summary>
    private sealed class Workspace : IDisposable
    {
        public TensorBuffer[] Inputs { get; } = [new(), new(), new()];

        public TensorBuffer Results { get; } = new();

        public void Dispose()
        {
            foreach (var input in Inputs)
                input.Dispose();
            Results.Dispose();
        }
    }
}
