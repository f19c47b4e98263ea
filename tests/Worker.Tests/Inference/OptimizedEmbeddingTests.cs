using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit.Conversion;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>The embedder optimised for the CPU: in 32-bit floats what transformers gives; in 8 bits, rows that nothing beside them changes.</summary>
public sealed class OptimizedEmbeddingTests : IDisposable
{
    private readonly List<string> _folders = [];
    private readonly GoldenCases _golden = new(FixtureArchive.Extract("clip-tiny"));
    private readonly IModel _model;
    private readonly IModel _int8;

    public OptimizedEmbeddingTests() => (_model, _int8) = (Load(ConversionPrecision.Fp32), Load(ConversionPrecision.Int8));

    [Fact]
    public void Images_and_texts_alone_and_together_give_the_embeddings_of_transformers()
    {
        var (rows, names) = (Rows(), Names());
        var together = _model.Run(rows, CancellationToken.None);
        for (var i = 0; i < rows.Length; i++)
        {
            EmbeddingFixture.CheckVector(_golden.Tensors[names[i]].Values, together[i]);
            EmbeddingFixture.CheckVector(_golden.Tensors[names[i]].Values, _model.Run([rows[i]], CancellationToken.None)[0]);
        }
    }

    [Fact]
    public void In_8_bits_no_row_changes_another()
    {
        var rows = Rows();
        var together = _int8.Run(rows, CancellationToken.None);
        for (var i = 0; i < rows.Length; i++)
        {
            var alone = Assert.IsType<EmbeddingOutcome>(_int8.Run([rows[i]], CancellationToken.None)[0]);
            Assert.Equal(alone.Values, Assert.IsType<EmbeddingOutcome>(together[i]).Values);
        }
    }

    public void Dispose()
    {
        _model.Dispose();
        _int8.Dispose();
        _golden.Dispose();
        _folders.ForEach(static folder => Directory.Delete(folder, true));
    }

    private InferenceInput[] Rows() =>
    [
        .. _golden.Images.Select(stem => new ImageInput(Tasks.Embedding, _golden.Pixels(stem), null)),
        .. _golden.Texts.Select(text => new TextInput(new TokenizedText(text.Ids, false))),
    ];

    private string[] Names() => [.. _golden.Images.Select(stem => $"image_embeds.{stem}"), .. _golden.Texts.Select(text => $"text_embeds.{text.Number}")];

    private IModel Load(ConversionPrecision precision)
    {
        _folders.Add(OptimizedFolders.Cpu(FixtureArchive.Extract("clip-tiny"), precision));
        return ModelLoader.Load("tiny", _folders[^1], new ModelOptions());
    }
}
