using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Worker.Tests.Inference.Families.Blip;

/// <summary>What convert makes of the checkpoint, and optimize of each of the exports, gives what transformers gives.</summary>
public sealed class BlipConvertedTests(BlipFixture fixture) : IClassFixture<BlipFixture>, IDisposable
{
    private string? _output;

    [Theory]
    [InlineData("checkpoint")]
    [InlineData("merged")]
    [InlineData("split")]
    [InlineData("nocache")]
    public void Every_golden_token_and_score_comes_out_alone_and_in_mixed_batches(string source)
    {
        using var model = Convert(Source(source), ConversionPrecision.Fp32);
        foreach (var golden in fixture.Golden.Captions)
            fixture.Check([golden], model);
        fixture.Check([.. fixture.Golden.Captions.Reverse()], model);
    }

    [Fact]
    public void In_8_bits_rows_are_what_they_are_alone()
    {
        using var model = Convert(Source("checkpoint"), ConversionPrecision.Int8);
        model.CheckRowsAreTheirOwn([.. fixture.Golden.Captions.Select(fixture.Input)]);
    }

    public void Dispose()
    {
        if (_output is not null)
            Directory.Delete(_output, recursive: true);
    }

    private SourceModel Source(string name) => name switch
    {
        "checkpoint" => SourceModel.OpenCheckpoint(fixture.Folder),
        "split" => SourceModel.OpenExport(fixture.SplitFolder, ModelPrecision.Fp32),
        "nocache" => SourceModel.OpenExport(Path.Combine(fixture.Folder, "nocache"), ModelPrecision.Fp32),
        _ => SourceModel.OpenExport(fixture.Folder, ModelPrecision.Fp32),
    };

    private IModel Convert(SourceModel source, ConversionPrecision precision)
    {
        _output = OptimizedFolders.Cpu(source, precision);
        return BlipFixture.Load(_output);
    }
}
