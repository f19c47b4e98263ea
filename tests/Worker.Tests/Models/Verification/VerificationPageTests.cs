using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using VlWorker.Models.Verification;

namespace VlWorker.Worker.Tests.Models.Verification;

public sealed partial class VerificationPageTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void Every_figure_of_the_console_is_in_the_page()
    {
        foreach (var found in new[] { SampleReports.Captions(), SampleReports.Embeddings() })
        {
            var page = Page(found);
            Assert.All(Figures.Rows(found), row => Assert.Contains(VerificationPage.Escape(row.Candidate), page, StringComparison.Ordinal));
        }

        Assert.Contains("11.0", Page(SampleReports.Captions()), StringComparison.Ordinal);
        Assert.Contains("22.0 (2.00x)", Page(SampleReports.Captions()), StringComparison.Ordinal);
        Assert.Contains("broken.jpg", Page(SampleReports.Captions()), StringComparison.Ordinal);
    }

    [Fact]
    public void Strangers_texts_can_not_become_markup()
    {
        var page = Page(SampleReports.Captions("<img src=x onerror=alert(1)>.jpg", "</td><script>alert(2)</script> & more"));

        Assert.DoesNotContain("<img", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.Contains("&lt;/td&gt;&lt;script&gt;", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_policy_allows_nothing_but_its_own_style()
    {
        var page = Page(SampleReports.Embeddings());
        var style = Style().Match(page).Groups[1].Value;

        Assert.Contains($"style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(style)))}'", page, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
        Assert.DoesNotContain("style=\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http:", page.Replace("http://www.w3.org", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Plots_are_well_formed_and_say_what_they_show()
    {
        var captions = Plot().Matches(Page(SampleReports.Captions())).Select(match => XElement.Parse(match.Value)).ToList();
        var embeddings = Plot().Matches(Page(SampleReports.Embeddings())).Select(match => XElement.Parse(match.Value)).ToList();

        Assert.Equal((5, 5), (captions.Count, embeddings.Count));
        Assert.All(captions.Concat(embeddings), plot => Assert.NotEmpty(plot.Attribute("aria-label")!.Value));
        Assert.Equal("Edit distance of the captions in words, number of images by words to change: 0: 1, 1: 1", captions[0].Attribute("aria-label")!.Value);
        Assert.Contains(embeddings, plot => plot.Attribute("aria-label")!.Value == "Images a second: original 11.0, candidate 22.0");
        // Bars start at zero, so their lengths are as the figures.
        var bars = embeddings.Single(plot => plot.Attribute("aria-label")!.Value.StartsWith("Images", StringComparison.Ordinal)).Elements("rect").Select(bar => (double)bar.Attribute("width")!).ToList();
        Assert.Equal(2, bars[1] / bars[0], 1e-2);
    }

    [Theory]
    [InlineData(true, "The candidate is good enough.")]
    [InlineData(false, "The candidate is not good enough: equal captions.")]
    public void The_verdict_is_in_words(bool good, string text) => Assert.Contains(
        text, VerificationPage.Write(new VerificationReport("/images", SampleReports.Captions(), [new ThresholdCheck("equal captions", 0.5, 0.98, true, good)]), At), StringComparison.Ordinal);

    private static string Page(Findings found) => VerificationPage.Write(new VerificationReport("/images", found, []), At);

    [GeneratedRegex("<style>(.*?)</style>", RegexOptions.Singleline)]
    private static partial Regex Style();

    [GeneratedRegex("<svg.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Plot();
}
