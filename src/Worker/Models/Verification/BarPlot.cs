using System.Globalization;
using System.Text;

namespace VlWorker.Models.Verification;

/// <summary>A bar.</summary>
/// <param name="Label">Whose it is.</param>
/// <param name="Value">Its length.</param>
/// <param name="Text">The value with its unit.</param>
/// <param name="Dots">Single measurements.</param>
internal sealed record Bar(string Label, double Value, string Text, IReadOnlyList<double> Dots);

/// <summary>Horizontal bars from zero, as an HTML figure with an inline SVG; colours come from the page's style.</summary>
internal static class BarPlot
{
    private const int Width = 640;
    private const int Row = 52;
    private const int Left = 92;
    private const int Right = 110;

    /// <summary>Writes the figure.</summary>
    /// <param name="title">What is shown.</param>
    /// <param name="note">How to read it.</param>
    /// <param name="bars">The bars, the original's first.</param>
    public static string Write(string title, string note, IReadOnlyList<Bar> bars)
    {
        var most = bars.SelectMany(bar => bar.Dots.Append(bar.Value)).Max();
        var scale = most > 0 ? (Width - Left - Right) / most : 0;
        var shapes = new StringBuilder();
        for (var i = 0; i < bars.Count; i++)
            Draw(shapes, bars[i], (i * Row) + 8, scale, i == 0 ? "bar other" : "bar");
        var summary = string.Join(", ", bars.Select(bar => $"{bar.Label} {bar.Text}"));
        return $"""
            <figure><figcaption>{title} <small>{note}</small></figcaption>
            <svg viewBox="0 0 {Width} {(bars.Count * Row) + 8}" role="img" aria-label="{title}: {summary}">
            {shapes}<line class="axis" x1="{Left}" x2="{Left}" y1="0" y2="{(bars.Count * Row) + 8}"/>
            </svg></figure>

            """;
    }

    private static void Draw(StringBuilder shapes, Bar bar, int y, double scale, string style)
    {
        var end = Left + (bar.Value * scale);
        var farthest = Math.Max(end, Left + (bar.Dots.DefaultIfEmpty().Max() * scale));
        shapes.Append(Text($"<text class=\"label\" x=\"{Left - 10}\" y=\"{y + 23}\" text-anchor=\"end\">{bar.Label}</text>"));
        shapes.Append(Text($"<rect class=\"{style}\" x=\"{Left}\" y=\"{y}\" width=\"{Math.Max(1, end - Left):0.#}\" height=\"36\" rx=\"3\"/>"));
        foreach (var dot in bar.Dots)
            shapes.Append(Text($"<circle class=\"dot\" cx=\"{Left + (dot * scale):0.#}\" cy=\"{y + 18}\" r=\"4\"/>"));
        shapes.Append(Text($"<text class=\"value\" x=\"{farthest + 12:0.#}\" y=\"{y + 23}\">{bar.Text}</text>\n"));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
