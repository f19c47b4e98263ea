using System.Collections;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Pruning;
using VlWorker.Worker.Tests.Demo;
using VlWorker.Worker.Tests.Fixtures;
using VlWorker.Worker.Tests.Inference;

namespace VlWorker.Worker.Tests.Models.Pruning;

/// <summary>A model without some heads and neurons generates what the whole one does in which these have no say.</summary>
public sealed class PrunedPartsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData("blip-captioning", Tasks.Caption, false)]
    [InlineData("blip-vqa", Tasks.Answer, false)]
    [InlineData("blip-vqa", Tasks.Answer, true)]
    [InlineData("florence-2", Tasks.Caption, false)]
    [InlineData("smolvlm", Tasks.Answer, true)]
    public void What_goes_are_whole_heads_and_neurons_of_every_tower(string fixture, string task, bool global)
    {
        var source = SourceModel.OpenCheckpoint(FixtureArchive.Extract(fixture));
        var pruning = new StructuredPruning(new StructuredPruningOptions(0.5, 0.3, global));
        var whole = Run(source, task, "whole");
        var pruned = Run(source.Change("Pruned.", pruning.Run), task, "pruned");
        var silenced = Run(source.Change("Silenced.", parameters => Silence(parameters, pruning.Run(parameters))), task, "silenced");

        Assert.Equal(silenced.Count, pruned.Count);
        Assert.All(silenced.Zip(pruned), static pair => Assert.Equal(pair.First.TokenIds, pair.Second.TokenIds));
        Assert.All(silenced.Zip(pruned), static pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-3));
        Assert.Contains(whole.Zip(pruned), static pair => !pair.First.TokenIds.SequenceEqual(pair.Second.TokenIds));
        foreach (var tower in Directory.GetFiles(_folder.At("whole"), "*.onnx").Where(static path => !path.EndsWith("embeddings.onnx", StringComparison.Ordinal)))
            Assert.True(new FileInfo(_folder.At($"pruned/{Path.GetFileName(tower)}")).Length < new FileInfo(tower).Length, tower);
    }

    public void Dispose() => _folder.Dispose();

    private List<GeneratedSequence> Run(SourceModel source, string task, string name)
    {
        ModelConverter.Convert(source, new ConversionOptions(ConversionTarget.Cpu, ConversionPrecision.Fp32), _folder.At(name));
        using var golden = new GoldenCases(source.Path);
        using var model = ModelLoader.Load(name, _folder.At(name), new ModelOptions());
        var rows = golden.Captions.Select(row => new ImageInput(task, golden.Pixels(row.Image), row.Parameters, row.Prompt));
        return [.. model.Run([.. rows], CancellationToken.None).Select(static outcome => Assert.IsType<CaptionOutcome>(outcome).Sequences[0])];
    }

    // A head or a neuron whose rows in the next matrix are 0 adds nothing. The values were just read: nobody else has them.
    private static FamilyParameters Silence(FamilyParameters whole, FamilyParameters pruned)
    {
        Walk(whole, pruned);
        return whole;
    }

    private static void Walk(object? whole, object? pruned)
    {
        switch (whole, pruned)
        {
            case (Linear all, Linear left) when left.Inputs < all.Inputs:
                var kept = Enumerable.Range(0, left.Inputs).Select(row => string.Join(' ', left.Weight.Row(row).ToArray())).ToHashSet();
                foreach (var row in Enumerable.Range(0, all.Inputs).Where(row => !kept.Contains(string.Join(' ', all.Weight.Row(row).ToArray()))))
                    all.Weight.Values.AsSpan(row * all.Outputs, all.Outputs).Clear();
                break;
            case (not Array and IList parts, IList others):
                for (var i = 0; i < parts.Count; i++)
                    Walk(parts[i], others[i]);
                break;
            case ({ } part, { } other) when part is not (Matrix or Linear) && part.GetType().Namespace == typeof(Linear).Namespace:
                foreach (var property in part.GetType().GetProperties())
                    Walk(property.GetValue(part), property.GetValue(other));
                break;
        }
    }
}
