using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit.Conversion;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Families.BlipVqa;

/// <summary>The tiny BLIP that answers questions, made of its checkpoint for the processor, and what transformers gave for it.</summary>
public sealed class BlipVqaFixture : IDisposable
{
    private readonly string _converted;

    public BlipVqaFixture()
    {
        Folder = FixtureArchive.Extract("blip-vqa");
        Golden = new GoldenCases(Folder);
        Tokenizer = HubTokenizer.Load(Folder);
        _converted = Convert(ConversionPrecision.Fp32);
        Model = Load(_converted);
    }

    internal string Folder { get; }

    internal GoldenCases Golden { get; }

    internal HubTokenizer Tokenizer { get; }

    internal IModel Model { get; }

    internal static IModel Load(string folder) => ModelLoader.Load("vqa", folder, new ModelOptions());

    /// <summary>Converts the checkpoint. The caller deletes the result.</summary>
    internal string Convert(ConversionPrecision precision) => OptimizedFolders.Cpu(SourceModel.OpenCheckpoint(Folder), precision);

    internal ImageInput Input(GoldenCaption golden) => new(Tasks.Answer, Golden.Pixels(golden.Image), golden.Parameters, golden.Prompt);

    internal ImageInput Input(string? question, string task = Tasks.Answer, GenerationOptions? options = null) =>
        new(task, Golden.Pixels("scene"), Model.Resolve(options), question);

    internal void Check(IReadOnlyList<GoldenCaption> answers)
    {
        var outcomes = Model.Run([.. answers.Select(Input)], CancellationToken.None);
        for (var i = 0; i < answers.Count; i++)
            answers[i].Check(outcomes[i]);
    }

    public void Dispose()
    {
        Model.Dispose();
        Golden.Dispose();
        Directory.Delete(_converted, true);
    }
}
