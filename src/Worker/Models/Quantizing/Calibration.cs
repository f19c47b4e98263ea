using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.Models.Verification;

namespace VlWorker.Models.Quantizing;

/// <summary>Runs a model over images as the worker does, and measures the values inside its fp32 graphs.</summary>
internal static class Calibration
{
    // What a text tower sees where no truth.json gives it captions.
    private const string SomeText = "a photo of a red car in front of an old house";

    /// <summary>Measures all graphs of a folder.</summary>
    /// <param name="source">The folder.</param>
    /// <param name="images">The folder of images; captions of a truth.json there are what a text tower sees.</param>
    /// <param name="limit">Images at most.</param>
    /// <param name="cancellation">Ends it between images.</param>
    /// <exception cref="ModelCommandException">There are no images that can be decoded.</exception>
    public static async Task<Measurements> MeasureAsync(ModelFolder source, string images, int limit, CancellationToken cancellation)
    {
        if (source.Manifest is { Layout: not CpuLayout.Name })
            throw new ModelCommandException($"--images runs the graphs on the processor, and those of '{source.Path}' are made for {source.Manifest.Target}");
        var choice = new ModelChoice(source.Path, ModelPrecision.Fp32);
        var set = ImageSet.Open(new VerifySettings(choice, choice, images) { Limit = limit }, cancellation);
        var measurements = new Measurements();
        using var graphs = new MeasuredGraphs(source, measurements);
        using var model = ComparedModel.Load(choice, null, null, graphs.Watch);
        using var feed = new ImageFeed(set, model.Plan, model.Plan);
        var pairs = await feed.FirstAsync(limit, cancellation);
        if (pairs.Count == 0)
            throw new ModelCommandException($"none of the images in '{set.Folder}' can be decoded: {feed.Undecodable[0].Name}: {feed.Undecodable[0].Reason}");
        try
        {
            foreach (var pair in pairs)
                Check(model.RunImages([pair.Original], cancellation));
            if (model.EmbedsTexts)
                Check(model.RunTexts(pairs.Select(pair => set.TruthOf(pair.Name)).OfType<string>().DefaultIfEmpty(SomeText).Distinct(), cancellation));
            return measurements;
        }
        finally
        {
            pairs.ForEach(pair => pair.Dispose());
        }
    }

    private static void Check(IReadOnlyList<InferenceOutcome> outcomes)
    {
        if (outcomes.OfType<FailedOutcome>().FirstOrDefault() is { } failed)
            throw new ModelCommandException($"the model failed while it was measured: {failed.Error.Message}", failed.Error);
    }
}
