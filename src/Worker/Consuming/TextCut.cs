using System.Diagnostics.CodeAnalysis;

namespace VlWorker.Consuming;

/// <summary>Cuts what is too long for a header or an answer.</summary>
internal static class TextCut
{
    /// <summary>The text's first characters; all of it where there are no more.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Cut(this string? text, int longest) => text?.Length > longest ? text[..longest] : text;
}
