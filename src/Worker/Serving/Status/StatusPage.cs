using System.Security.Cryptography;
using System.Text;

namespace VlWorker.Serving.Status;

/// <summary>The status page: one HTML file that loads nothing from elsewhere.</summary>
/// <remarks>
/// Keys and captions are strangers' texts: the script puts them into the document as text only, and the page's policy runs no script but its
/// own, known by its hash.
/// </remarks>
internal static class StatusPage
{
    private static readonly string Style = Resource("status.css");
    private static readonly string Script = string.Concat(new[] { "format.js", "charts.js", "sections.js", "live.js" }.Select(Resource));

    /// <summary>The page.</summary>
    public static string Html { get; } =
        Resource("status.html").Replace("{{style}}", Style, StringComparison.Ordinal).Replace("{{script}}", Script, StringComparison.Ordinal);

    /// <summary>Its content security policy.</summary>
    public static string Policy { get; } =
        $"default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src '{Hash(Style)}'; script-src '{Hash(Script)}'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static string Hash(string text) => "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Resource(string name)
    {
        using var stream = typeof(StatusPage).Assembly.GetManifestResourceStream("status/" + name)
            ?? throw new InvalidOperationException($"{name} is not in the assembly");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
