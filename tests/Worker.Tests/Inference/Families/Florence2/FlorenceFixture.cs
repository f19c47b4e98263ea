using System.Text.Json;
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
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "golden", "golden.json")));
        Prompts = json.RootElement.GetProperty("cases").EnumerateArray().ToDictionary(
            golden => golden.GetProperty("id").GetInt32(),
            golden => (golden.GetProperty("prompt").GetString()!, golden.GetProperty("input_ids").EnumerateArray().Select(id => id.GetInt32()).ToArray()));
        Model = ModelLoader.Load("tiny", Folder, new ModelOptions());
    }

    internal string Folder { get; }

    internal GoldenCases Golden { get; }

    /// <summary>By the case's number: the prompt as a user writes it, and the tokens that transformers makes of it.</summary>
    internal IReadOnlyDictionary<int, (string Prompt, int[] Ids)> Prompts { get; }

    internal IModel Model { get; }

    internal ImageInput Input(GoldenCaption golden) =>
        new(Tasks.Caption, Golden.Pixels(golden.Image), golden.Parameters, Prompts[golden.Id].Prompt);

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
