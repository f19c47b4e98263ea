using System.Globalization;
using System.Text;

namespace VlWorker.Models.Verification;

/// <summary>A bin of a histogram.</summary>
/// <param name="Label">Its lower bound, or its only value.</param>
/// <param name="Count">What lies in it.</param>
internal sealed record Bin(string Label, int Count);

/// <summary>A histogram as an HTML figure with an inline SVG; colours come from the page's style.</summary>
internal static class HistogramPlot
{
    private const int Width = 640;
    private const int Height = 240;
    private const int Bottom = 186;
    private const int Top = 26;
    private const int Left = 30;
    private const int LeastHeight = 3;
    private const int LabelsAtMost = 8;

    /// <summary>Writes the figure. The counts stand over the bars, so that a single image is seen beside a thousand.</summary>
    /// <param name="title">What is shown.</param>
    /// <param name="counted">What is counted; plural.</param>
    /// <param name="axis">What the bins are.</param>
    /// <param name="bins">The bins.</param>
    public static string Write(string title, string counted, string axis, IReadOnlyList<Bin> bins)
    {
        var most = Math.Max(1, bins.Max(bin => bin.Count));
        var step = (Width - (2.0 * Left)) / bins.Count;
        var every = (int)Math.Ceiling(bins.Count / (double)LabelsAtMost);
        var shapes = new StringBuilder();
        for (var i = 0; i < bins.Count; i++)
        {
            var (x, bin) = (Left + (i * step), bins[i]);
            if (bin.Count > 0)
                Draw(shapes, x, step, bin, most);
            if (i % every == 0 || (every == 1 && i == bins.Count - 1))
                shapes.Append(Text($"<text class=\"tick\" x=\"{x + (step / 2):0.#}\" y=\"{Bottom + 20}\" text-anchor=\"middle\">{bin.Label}</text>"));
        }

        var summary = string.Join(", ", bins.Where(bin => bin.Count > 0).Select(bin => Text($"{bin.Label}: {bin.Count}")));
        return $"""
            <figure><figcaption>{title}</figcaption>
            <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="{title}, number of {counted} by {axis}: {summary}">
            {shapes}<line class="axis" x1="{Left}" x2="{Width - Left}" y1="{Bottom}" y2="{Bottom}"/>
            <text class="tick" x="{Width / 2}" y="{Height - 8}" text-anchor="middle">{axis}</text>
            </svg></figure>

            """;
    }

    private static void Draw(StringBuilder shapes, double x, double step, Bin bin, int most)
    {
        var height = Math.Max(LeastHeight, (Bottom - Top) * (double)bin.Count / most);
        shapes.Append(Text($"<rect class=\"bar\" x=\"{x + (step * 0.08):0.#}\" y=\"{Bottom - height:0.#}\" width=\"{step * 0.84:0.#}\" height=\"{height:0.#}\" rx=\"2\"/>"));
        shapes.Append(Text($"<text class=\"count\" x=\"{x + (step / 2):0.#}\" y=\"{Bottom - height - 6:0.#}\" text-anchor=\"middle\">{bin.Count}</text>\n"));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
