using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Families.Florence2;

/// <summary>The tiny Florence-2 as it was exported, with its merged decoder, and what transformers gave for it.</summary>
public sealed class FlorenceFixture : IDisposable
{
    public FlorenceFixture()
    {
        Folder = FixtureArchive.Extract("florence-2");
        Golden = new GoldenCases(Folder);
        Model = ModelLoader.Load("tiny", Folder, new ModelOptions());
    }

    internal string Folder { get; }

    internal GoldenCases Golden { get; }

    internal IModel Model { get; }

    internal ImageInput Input(GoldenCaption golden) =>
        new(Tasks.Caption, Golden.Pixels(golden.Image), golden.Parameters, golden.Prompt);

    internal void Check(IReadOnlyList<GoldenCaption> captions, IModel model)
    {
        var outcomes = model.Run([.. captions.Select(Input)], CancellationToken.None);
        for (var i = 0; i < captions.Count; i++)
            captions[i].Check(outcomes[i]);
    }

    public void Dispose()
    {
        Model.Dispose();
        Golden.Dispose();
    }
}
