using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace VlWorker.Demo.Gallery;

/// <summary>Writes the page's data. The encoder escapes &lt;, &gt;, &amp; and quotes, so no text can end the element it stands in.</summary>
internal static class GalleryJson
{
    /// <summary>Thumbnails of one script element; the page parses one when the first of its images comes into view.</summary>
    public const int ThumbnailsInAChunk = 200;

    private static readonly JsonWriterOptions Options = new()
    {
        // Create() keeps the characters that matter to HTML escaped, whatever ranges it is given.
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
    };

    /// <summary>Everything but the thumbnails.</summary>
    public static void WriteData(Stream stream, GalleryContent content, int[][] neighbours)
    {
        using var json = new Utf8JsonWriter(stream, Options);
        json.WriteStartObject();
        json.WriteNumber("chunk", ThumbnailsInAChunk);
        json.WriteNumber("left", content.Left);
        json.WriteString("question", content.Question);
        Images(json, content.Images, neighbours);
        Texts(json, content);
        Notes(json, "rejected", content.Rejected);
        Notes(json, "skipped", content.Skipped);
        json.WriteEndObject();
    }

    /// <summary>One chunk of thumbnails: an array of base64 WebP files, null where there is none.</summary>
    public static void WriteThumbnails(Stream stream, ReadOnlySpan<byte[]?> thumbnails)
    {
        using var json = new Utf8JsonWriter(stream, Options);
        json.WriteStartArray();
        foreach (var thumbnail in thumbnails)
        {
            if (thumbnail is null)
                json.WriteNullValue();
            else
                json.WriteBase64StringValue(thumbnail);
        }

        json.WriteEndArray();
    }

    private static void Images(Utf8JsonWriter json, IReadOnlyList<GalleryImage> images, int[][] neighbours)
    {
        json.WriteStartArray("images");
        for (var i = 0; i < images.Count; i++)
        {
            var image = images[i];
            json.WriteStartObject();
            json.WriteString("key", image.Key);
            json.WriteString("caption", image.Caption);
            json.WriteString("answer", image.Answer);
            json.WriteNumber("width", image.Width);
            json.WriteNumber("height", image.Height);
            json.WriteString("format", image.Format);
            json.WriteNumber("bytes", image.Bytes);
            if (image.Detections.Count > 0)
                Regions(json, image);
            json.WriteStartArray("near");
            foreach (var neighbour in neighbours[i])
                json.WriteNumberValue(neighbour);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        Vectors(json, "imageVectors", VectorBlock.From([.. images.Select(image => image.Embedding)]));
    }

    // As parts of width and height: the page shows the image in any size.
    private static void Regions(Utf8JsonWriter json, GalleryImage image)
    {
        json.WriteStartArray("regions");
        foreach (var detection in image.Detections.Take(GalleryLimits.Regions))
        {
            json.WriteStartObject();
            json.WriteString("label", detection.Label);
            json.WriteStartArray("outlines");
            var box = detection.Box;
            foreach (var outline in detection.Polygons ?? [[box.Left, box.Top, box.Right, box.Top, box.Right, box.Bottom, box.Left, box.Bottom]])
            {
                json.WriteStartArray();
                for (var i = 0; i < outline.Count; i++)
                    json.WriteNumberValue(Math.Round(outline[i] / (i % 2 == 0 ? image.Width : image.Height), 4));
                json.WriteEndArray();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Texts(Utf8JsonWriter json, GalleryContent content)
    {
        Strings(json, "texts", content.Texts.Select(text => text.Text));
        Strings(json, "queries", content.Texts.Where(text => text.IsQuery).Select(text => text.Text));
        Strings(json, "suggestions", content.Suggestions);
        Vectors(json, "textVectors", VectorBlock.From([.. content.Texts.Select(text => text.Embedding)]));
    }

    private static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static void Vectors(Utf8JsonWriter json, string name, VectorBlock block)
    {
        json.WriteStartObject(name);
        json.WriteNumber("dimensions", block.Dimensions);
        json.WriteBase64String("values", block.ValueBytes());
        json.WriteBase64String("scales", block.ScaleBytes());
        json.WriteEndObject();
    }

    private static void Notes(Utf8JsonWriter json, string name, IReadOnlyList<GalleryNote> notes)
    {
        json.WriteNumber(name + "Total", notes.Count);
        json.WriteStartArray(name);
        foreach (var note in notes.Take(GalleryLimits.Notes))
        {
            json.WriteStartObject();
            json.WriteString("key", note.Key);
            json.WriteString("reason", note.Reason);
            json.WriteString("detail", note.Detail);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
