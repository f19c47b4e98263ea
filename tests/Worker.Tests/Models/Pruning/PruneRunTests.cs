using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Pruning;
using VlWorker.Models;
using VlWorker.Models.Pruning;
using VlWorker.Models.Verification;
using VlWorker.Worker.Tests.Demo;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Models.Pruning;

/// <summary>The whole verb on tiny exports, and what the engines make of the result.</summary>
public sealed class PruneRunTests : VerbTest
{
    [Fact]
    public async Task A_sparsity_of_zero_changes_nothing_and_more_moves_the_embeddings()
    {
        Assert.Equal(ModelExit.Good, Run(new PruneSettings(Clip, Folder.At("same")) { Sparsity = 0 }));
        Assert.Equal(ModelExit.Good, Run(new PruneSettings(Clip, Folder.At("half")) { Sparsity = 0.5 }));

        Assert.Equal(ModelExit.Good, await VerifyAsync(Clip, Folder.At("same"), 1 - 1e-9));
        Assert.Equal(ModelExit.Bad, await VerifyAsync(Clip, Folder.At("half"), 1 - 1e-9));
        Assert.Contains("(50.0 %)", Console.Tables, StringComparison.Ordinal);
        Assert.Contains("as large and as fast as before", Console.Tables, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vit-gpt2-tiny")]
    [InlineData("clip-tiny")]
    public async Task Heads_and_neurons_go_and_the_engine_runs_what_is_left(string name)
    {
        var source = FixtureArchive.Extract(name);
        ModelConverter.Convert(SourceModel.OpenExport(source, ModelPrecision.Fp32), new ConversionOptions(ConversionTarget.Cpu, ConversionPrecision.Fp32), Folder.At("whole"));
        var settings = new PruneSettings(source, Folder.At("pruned")) { Structured = new StructuredPruningOptions(0.5, 0.5, false) };
        Assert.Equal(ModelExit.Good, Run(settings));

        var manifest = ModelFolder.Open(Folder.At("pruned")).Manifest!;
        Assert.Contains("Pruned by magnitude: 50 % of the attention heads and 50 % of the feed-forward neurons, in each block.", manifest.Done);
        Assert.All(manifest.Graphs.Values, graph => Assert.True(Weights(Folder.At("pruned"), graph) < Weights(Folder.At("whole"), graph), graph));
        Assert.Equal(ModelExit.Bad, await VerifyAsync(source, Folder.At("pruned"), 1 - 1e-9, equalCaptions: 1));
    }

    [Fact]
    public void What_can_not_be_done_is_said_and_leaves_nothing()
    {
        var plain = new PruneSettings(Clip, Folder.At("out"));
        (PruneSettings Settings, string Said)[] cases =
        [
            (plain, "neither heads nor neurons"),
            (plain with { Structured = new StructuredPruningOptions(1, 0, false) }, "below 1"),
            (plain with { Sparsity = 1.5 }, "outside 0 to 1"),
            (plain with { Sparsity = 0.5, Structured = new StructuredPruningOptions(0.5, 0, false) }, "two steps"),
            (plain with { Sparsity = 0.5, Operators = ["Softmax"] }, "Softmax"),
            (plain with { Sparsity = 0.5, Exclude = ["nothing*"] }, "matches no node"),
            (plain with { Structured = new StructuredPruningOptions(0.5, 0, false), Exclude = ["x"] }, "--exclude"),
            (plain with { Sparsity = 0.5, Out = Clip }, "overwrite the original"),
            (plain with { Folder = Folder.Path, Structured = new StructuredPruningOptions(0.5, 0, false) }, "config.json is missing"),
            (plain with { Folder = Folder.At("nowhere"), Structured = new StructuredPruningOptions(0.5, 0, false) }, "nowhere"),
        ];
        foreach (var (settings, said) in cases)
        {
            Console.Error.GetStringBuilder().Clear();
            Assert.Equal(ModelExit.Unusable, Run(settings));
            Assert.Contains(said, Console.Error.ToString(), StringComparison.Ordinal);
            Assert.False(Directory.Exists(Folder.At("out")));
        }
    }

    private int Run(PruneSettings settings) => new PruneRun(settings, Console.Console, Console.Error).Run();

    private Task<int> VerifyAsync(string original, string candidate, double cosine, double equalCaptions = 0)
    {
        var settings = new VerifySettings(new ModelChoice(original, ModelPrecision.Fp32), new ModelChoice(candidate), Pictures)
        {
            Rounds = 0,
            Thresholds = new Thresholds { MinCosine = cosine, MinEqualCaptions = equalCaptions, MaxDeviation = equalCaptions > 0 ? 1e-9 : null },
        };
        return new VerifyRun(settings, Console.Console, Console.Out, Console.Error, TimeProvider.System).RunAsync(CancellationToken.None);
    }

    private static long Weights(string folder, string graph) => OnnxFile.Load(Path.Combine(folder, graph)).Graph.Initializer.Sum(tensor => (long)tensor.RawData.Length);
}
