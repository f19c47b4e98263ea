using System.Globalization;

namespace VlWorker.Producer.Printing;

/// <summary>Text from strangers, fit for a terminal.</summary>
internal static class Plain
{
    /// <summary>The text in one line: whatever could steer the terminal or turn the direction of writing becomes a space.</summary>
    public static string Line(string text) => string.Create(text.Length, text, static (span, source) =>
    {
        for (var i = 0; i < span.Length; i++)
        {
            span[i] = char.GetUnicodeCategory(source[i]) is UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                ? ' '
                : source[i];
        }
    });
}
