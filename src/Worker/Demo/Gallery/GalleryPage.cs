using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;

namespace VlWorker.Demo.Gallery;

/// <summary>Writes the gallery: one HTML file that needs neither a server nor any other file.</summary>
/// <remarks>
/// File names and captions are strangers' texts. They stand in the page as JSON or HTML-escaped, its script puts them into the document as
/// text only, and the page's policy runs no script but its own, known by its hash.
/// </remarks>
internal static class GalleryPage
{
    /// <summary>Marks a page as the demo's own, so that nothing else is ever overwritten.</summary>
    public const string Generator = "vl-worker demo";

    private static readonly string[] Scripts = ["data.js", "regions.js", "grid.js", "viewer.js", "search.js"];

    /// <summary>Writes the page.</summary>
    /// <param name="stream">Where to; stays open.</param>
    /// <param name="content">What the page shows.</param>
    /// <param name="thumbnails">One WebP file an image, null where there is none.</param>
    /// <param name="neighbours">For each image the indexes of its nearest, see <see cref="Neighbours.Find"/>.</param>
    public static void Write(Stream stream, GalleryContent content, IReadOnlyList<byte[]?> thumbnails, int[][] neighbours)
    {
        var style = Resource("gallery.css");
        var script = string.Concat(Scripts.Select(Resource));
        var parts = new Dictionary<string, Action>
        {
            ["policy"] = () => Text(stream, Policy(style, script)),
            ["generator"] = () => Text(stream, Generator),
            ["title"] = () => Text(stream, Escape(content.Folder)),
            ["style"] = () => Text(stream, style),
            ["script"] = () => Text(stream, script),
            ["facts"] = () => Text(stream, string.Concat(content.Facts.Select(Fact))),
            ["models"] = () => Text(stream, string.Concat(content.Models.Select(Model))),
            ["count"] = () => Text(stream, content.Images.Count.ToString("N0", System.Globalization.CultureInfo.InvariantCulture)),
            ["data"] = () => GalleryJson.WriteData(stream, content, neighbours),
            ["thumbnails"] = () => Thumbnails(stream, [.. thumbnails]),
        };
        Fill(stream, Resource("gallery.html"), parts);
    }

    /// <summary>Whether a file is a page of this class.</summary>
    public static bool IsOurs(string path)
    {
        using var reader = new StreamReader(path);
        var head = new char[2048];
        var length = reader.ReadBlock(head);
        return new string(head, 0, length).Contains($"<meta name=\"generator\" content=\"{Generator}\">", StringComparison.Ordinal);
    }

    private static void Fill(Stream stream, string template, Dictionary<string, Action> parts)
    {
        var rest = template;
        while (rest.IndexOf("{{", StringComparison.Ordinal) is var start and >= 0)
        {
            var end = rest.IndexOf("}}", start, StringComparison.Ordinal);
            Text(stream, rest[..start]);
            parts[rest[(start + 2)..end]]();
            rest = rest[(end + 2)..];
        }

        Text(stream, rest);
    }

    private static void Thumbnails(Stream stream, byte[]?[] thumbnails)
    {
        for (var start = 0; start < thumbnails.Length; start += GalleryJson.ThumbnailsInAChunk)
        {
            Text(stream, $"<script type=\"application/json\" id=\"thumbnails-{start / GalleryJson.ThumbnailsInAChunk}\">");
            GalleryJson.WriteThumbnails(stream, thumbnails.AsSpan(start, Math.Min(GalleryJson.ThumbnailsInAChunk, thumbnails.Length - start)));
            Text(stream, "</script>\n");
        }
    }

    /// <summary>Nothing is loaded, no script runs but this one; style attributes are not used.</summary>
    private static string Policy(string style, string script) =>
        $"default-src 'none'; img-src data:; style-src '{Hash(style)}'; script-src '{Hash(script)}'; base-uri 'none'; form-action 'none'";

    private static string Hash(string text) => "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Fact(GalleryFact fact) => $"<div><dt>{Escape(fact.Label)}</dt><dd>{Escape(fact.Value)}</dd></div>";

    private static string Model(GalleryModel model) =>
        $"<li>{Escape(model.Task)}: <code>{Escape(model.Alias)}</code> revision <code title=\"{Escape(model.Revision)}\">{Escape(Short(model.Revision))}</code></li>";

    private static string Short(string revision) => revision.Length > 12 ? revision[..12] : revision;

    private static string Escape(string text) => HtmlEncoder.Default.Encode(text);

    private static void Text(Stream stream, string text) => stream.Write(Encoding.UTF8.GetBytes(text));

    private static string Resource(string name)
    {
        using var stream = typeof(GalleryPage).Assembly.GetManifestResourceStream("gallery/" + name)
            ?? throw new InvalidOperationException($"{name} is not in the assembly");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
