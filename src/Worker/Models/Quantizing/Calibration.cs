using Microsoft.ML.OnnxRuntime;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Onnx;
using VlWorker.Models.Verification;

namespace VlWorker.Models.Quantizing;

/// <summary>Runs a model's fp32 graphs over images and measures their values.</summary>
internal static class Calibration
{
    private const string FirstStep = "else_branch";
    private const string FurtherSteps = "then_branch";

    /// <summary>Measures all graphs of a folder.</summary>
    /// <param name="source">The folder.</param>
    /// <param name="images">The folder of images; captions of a truth.json there are what a text tower sees.</param>
    /// <param name="limit">Images at most.</param>
    /// <param name="cancellation">Ends it between images.</param>
    /// <exception cref="ModelCommandException">There are no images that can be decoded.</exception>
    public static async Task<Measurements> MeasureAsync(ModelFolder source, string images, int limit, CancellationToken cancellation)
    {
        if (source.Manifest is not null)
            throw new ModelCommandException("--images works on exported graphs, not on those of an optimised folder: quantise first, then optimise");
        if (source.Family != ModelFamily.VisionEncoderDecoder && source.Family != ModelFamily.Clip)
            throw new ModelCommandException($"--images does not measure {source.Family.ModelType}: leave it out, then constants alone are checked");
        var choice = new ModelChoice(source.Path, ModelPrecision.Fp32);
        var set = ImageSet.Open(new VerifySettings(choice, choice, images) { Limit = limit }, cancellation);
        using var model = ComparedModel.Load(choice, null);
        using var feed = new ImageFeed(set, model.Plan, model.Plan);
        var pairs = await feed.FirstAsync(limit, cancellation);
        if (pairs.Count == 0)
            throw new ModelCommandException($"none of the images in '{set.Folder}' can be decoded: {feed.Undecodable[0].Name}: {feed.Undecodable[0].Reason}");
        try
        {
            var measurements = new Measurements();
            if (model.Captions)
                Captioner(source, model, pairs, measurements, cancellation);
            else
                Embedder(source, model, set, pairs, measurements, cancellation);
            return measurements;
        }
        finally
        {
            pairs.ForEach(pair => pair.Dispose());
        }
    }

    private static void Captioner(ModelFolder source, ComparedModel model, List<DecodedPair> pairs, Measurements measurements,
        CancellationToken cancellation)
    {
        using var encoder = Open(source, ModelFamily.Graphs.Encoder, FirstStep);
        var merged = source.Graphs.ContainsKey(ModelFamily.Graphs.DecoderMerged);
        using var first = Open(source, merged ? ModelFamily.Graphs.DecoderMerged : ModelFamily.Graphs.Decoder, FirstStep);
        using var next = Open(source, merged ? ModelFamily.Graphs.DecoderMerged : ModelFamily.Graphs.DecoderWithPast, FurtherSteps);
        foreach (var pair in pairs)
        {
            cancellation.ThrowIfCancellationRequested();
            if (model.RunImages([pair.Original], cancellation)[0] is not CaptionOutcome caption)
                continue;
            using var pixels = CalibrationFeeds.Pixels(pair.Original, model.Images);
            using var hidden = encoder.Run(CalibrationFeeds.One("pixel_values", pixels), ["last_hidden_state"], measurements)[0];
            Teach(first, next, hidden, [.. caption.Sequences[0].TokenIds], measurements);
        }
    }

    // The caption as it came out goes in: all of it in one first step, then its last token once more after the cache of the others.
    private static void Teach(MeasuredGraph first, MeasuredGraph next, OrtValue hidden, int[] tokens, Measurements measurements)
    {
        using var all = new CalibrationFeeds(hidden, tokens);
        var caches = next.Inputs.Keys.Where(name => name.StartsWith("past_key_values.", StringComparison.Ordinal)).ToList();
        var present = caches.ConvertAll(name => "present." + name["past_key_values.".Length..]);
        Release(first.Run(all.First(first.Inputs, tokens.Length), [], measurements));
        if (tokens.Length < 2)
            return;
        var cache = first.Run(all.First(first.Inputs, tokens.Length - 1), present, measurements);
        try
        {
            Release(next.Run(all.Next(next.Inputs, caches.Zip(cache)), [], measurements));
        }
        finally
        {
            Release(cache);
        }
    }

    private static void Embedder(
        ModelFolder source, ComparedModel model, ImageSet set, List<DecodedPair> pairs, Measurements measurements, CancellationToken cancellation)
    {
        var tower = source.Graphs.ContainsKey(ModelFamily.Graphs.Vision) ? ModelFamily.Graphs.Vision : ModelFamily.Graphs.Model;
        using (var vision = Open(source, tower, FirstStep))
        {
            foreach (var pair in pairs)
            {
                cancellation.ThrowIfCancellationRequested();
                using var pixels = CalibrationFeeds.Pixels(pair.Original, model.Images);
                Release(vision.Run(CalibrationFeeds.One("pixel_values", pixels), [], measurements));
            }
        }

        if (!model.EmbedsTexts)
            return;
        using var text = Open(source, ModelFamily.Graphs.Text, FirstStep);
        var captions = pairs.Select(pair => set.TruthOf(pair.Name)).OfType<string>().DefaultIfEmpty("a photo of a red car in front of an old house")
            .Distinct();
        foreach (var caption in captions)
        {
            using var feeds = new CalibrationFeeds(null, model.Tokenize(caption));
            Release(text.Run(feeds.First(text.Inputs, feeds.Length), [], measurements));
        }
    }

    private static MeasuredGraph Open(ModelFolder source, string name, string branch) => new(name, OnnxFile.Load(source.Graphs[name]), branch);

    private static void Release(IEnumerable<OrtValue> values)
    {
        foreach (var value in values)
            value.Dispose();
    }
}
