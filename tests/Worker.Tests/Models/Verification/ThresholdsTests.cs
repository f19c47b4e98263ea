using VlWorker.Inference;
using VlWorker.Models;
using VlWorker.Models.Verification;

namespace VlWorker.Worker.Tests.Models.Verification;

public sealed class ThresholdsTests
{
    [Fact]
    public void Only_what_fits_the_models_is_checked()
    {
        var captions = SampleReports.Captions();
        var checks = new Thresholds { MinTruth = 0.5, MaxDeviation = 0.1, MinRecall = 0.9 }.Judge(captions);
        Assert.Equal(["equal captions", "deviation of scores", "captions equal to the truth"], checks.Select(check => check.What));
        Assert.Equal([false, true, true], checks.Select(check => check.Good));

        var embeddings = new Thresholds { MinRecall = 0.9, MinCosine = 0.5, MinSpeedUp = 1.5 }.Judge(SampleReports.Embeddings());
        Assert.Equal(["cosine of images", "cosine of texts", "recall at 1", "speed-up"], embeddings.Select(check => check.What));
        Assert.All(embeddings, check => Assert.True(check.Good));
    }

    [Fact]
    public void Zero_asks_for_nothing()
    {
        Assert.Empty(new Thresholds { MinEqualCaptions = 0 }.Judge(SampleReports.Captions()));
        Assert.Empty(new Thresholds { MinCosine = 0 }.Judge(SampleReports.Embeddings()));
    }

    [Fact]
    public void A_threshold_for_what_was_not_measured_is_an_error()
    {
        var found = SampleReports.Embeddings() with { Recall = null };

        Assert.Contains("truth.json", Assert.Throws<ModelCommandException>(() => new Thresholds { MinRecall = 0.5 }.Judge(found)).Message);
    }

    [Fact]
    public void What_is_not_a_number_is_never_good()
    {
        var pair = new CaptionPair("a.jpg", new GeneratedSequence([1], "a", double.NaN, 1), new GeneratedSequence([1], "a", 1, 1), null);
        var found = SampleReports.Captions() with { Captions = CaptionComparison.Of([pair]) };

        Assert.False(new Thresholds { MaxDeviation = 1e9 }.Judge(found).Single(check => check.What == "deviation of scores").Good);
    }

    [Theory]
    [InlineData(1.5, 0.999, null, null)]
    [InlineData(0.98, double.NaN, null, null)]
    [InlineData(0.98, 0.999, -1.0, null)]
    [InlineData(0.98, 0.999, null, 0.0)]
    public void Thresholds_that_make_no_sense_are_said(double captions, double cosine, double? deviation, double? speed) =>
        Assert.Single(new Thresholds { MinEqualCaptions = captions, MinCosine = cosine, MaxDeviation = deviation, MinSpeedUp = speed }.Check());
}
