using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using VlWorker.Contracts;
using VlWorker.Demo.Gallery;

namespace VlWorker.Worker.Tests.Demo.Gallery;

public sealed partial class GalleryPageTests
{
    private const string Hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028\n'\"&<!--\\.jpg";

    [Fact]
    public void Hostile_texts_stay_texts()
    {
        var page = Render(Content([Image(Hostile, Hostile)], new GalleryNote(Hostile, Hostile, Hostile), new GalleryText(Hostile, [1f, 0f], true)), [null]);

        Assert.DoesNotContain("<img src=x", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("alert(1)</script>", page, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(3, Regex.Count(page, "<script", RegexOptions.IgnoreCase));
        Assert.Equal(3, Regex.Count(page, "</script", RegexOptions.IgnoreCase));
        var data = Data(page);
        Assert.Equal(Hostile, data.GetProperty("images")[0].GetProperty("key").GetString());
        Assert.Equal(Hostile, data.GetProperty("images")[0].GetProperty("caption").GetString());
        Assert.Equal(Hostile, data.GetProperty("rejected")[0].GetProperty("detail").GetString());
        Assert.Equal(Hostile, data.GetProperty("queries")[0].GetString());
    }

    [Fact]
    public void The_policy_lets_only_the_pages_own_script_and_style_through()
    {
        var page = Render(Content([Image("a.jpg", "a cat")]), [[1, 2, 3]]);

        var policy = Regex.Match(page, "http-equiv=\"Content-Security-Policy\" content=\"([^\"]+)\"").Groups[1].Value;
        Assert.StartsWith("default-src 'none'", policy);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Contains($"script-src '{Hash(Inner(page, "<script>", "</script>"))}'", policy, StringComparison.Ordinal);
        Assert.Contains($"style-src '{Hash(Inner(page, "<style>", "</style>"))}'", policy, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_loaded_from_elsewhere()
    {
        var page = Render(Content([Image("a.jpg", "a cat")]), [[1, 2, 3]]);

        foreach (Match address in Addresses().Matches(page))
            Assert.Matches("^(data:|#)", address.Groups[1].Value);
        Assert.DoesNotContain("@import", page, StringComparison.Ordinal);
        Assert.DoesNotContain("fetch(", page, StringComparison.Ordinal);
        Assert.DoesNotContain("innerHTML", page, StringComparison.Ordinal);
        Assert.DoesNotContain("{{", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Thumbnails_come_in_chunks_in_the_order_of_the_images()
    {
        var count = GalleryJson.ThumbnailsInAChunk + 2;
        var thumbnails = Enumerable.Range(0, count).Select(i => i == 1 ? null : BitConverter.GetBytes(i)).ToArray();
        var page = Render(Content([.. Enumerable.Range(0, count).Select(i => Image($"{i:0000}.jpg", null))]), thumbnails);

        var first = Json(Inner(page, "id=\"thumbnails-0\">", "</script>"));
        var second = Json(Inner(page, "id=\"thumbnails-1\">", "</script>"));
        Assert.Equal(GalleryJson.ThumbnailsInAChunk, first.GetArrayLength());
        Assert.Equal(JsonValueKind.Null, first[1].ValueKind);
        Assert.Equal(2, second.GetArrayLength());
        Assert.Equal(BitConverter.GetBytes(count - 1), second[1].GetBytesFromBase64());
    }

    [Fact]
    public void Detections_stand_in_the_page_as_outlines_in_parts_of_the_image()
    {
        var box = new Box { Left = 64, Top = 48, Right = 320, Bottom = 240 };
        var image = Image("a.jpg", null) with
        {
            Answer = Hostile,
            Detections =
            [
                new Detection { Label = Hostile, Box = box },
                new Detection { Label = "sign", Box = box, Polygons = [[64, 48, 320, 60, 310, 240]] },
            ],
        };
        var page = Render(Content([image]) with { Question = "What is it?" }, [[1]]);

        Assert.DoesNotContain("<img src=x", page, StringComparison.OrdinalIgnoreCase);
        var data = Data(page);
        Assert.Equal(("What is it?", Hostile), (data.GetProperty("question").GetString(), data.GetProperty("images")[0].GetProperty("answer").GetString()));
        var regions = data.GetProperty("images")[0].GetProperty("regions");
        Assert.Equal(Hostile, regions[0].GetProperty("label").GetString());
        Assert.Equal([0.1, 0.1, 0.5, 0.1, 0.5, 0.5, 0.1, 0.5], Numbers(regions[0]));
        Assert.Equal([0.1, 0.1, 0.5, 0.125, 0.4844, 0.5], Numbers(regions[1]));

        static double[] Numbers(JsonElement region) => [.. region.GetProperty("outlines")[0].EnumerateArray().Select(number => number.GetDouble())];
    }

    [Fact]
    public void Facts_models_and_folder_are_in_the_page_without_its_script()
    {
        var page = Render(Content([Image("a.jpg", "a cat")]) with { Folder = "Fish & <Chips>" }, [null]);

        Assert.Contains("<h1>Fish &amp; &lt;Chips&gt;</h1>", page, StringComparison.Ordinal);
        Assert.Contains("<dt>described</dt><dd>1</dd>", page, StringComparison.Ordinal);
        Assert.Contains("<code>demo-captioner</code>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_recognises_its_own_kind()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var ours = Path.Combine(folder.FullName, "ours.html");
            var theirs = Path.Combine(folder.FullName, "theirs.html");
            File.WriteAllText(ours, Render(Content([]), []));
            File.WriteAllText(theirs, "<!doctype html><title>vl-worker demo</title>");
            Assert.True(GalleryPage.IsOurs(ours));
            Assert.False(GalleryPage.IsOurs(theirs));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Render(GalleryContent content, IReadOnlyList<byte[]?> thumbnails)
    {
        using var stream = new MemoryStream();
        GalleryPage.Write(stream, content, thumbnails, Neighbours.Find([.. content.Images.Select(image => image.Embedding)], 4));
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static GalleryImage Image(string key, string? caption) => new(key, caption, 640, 480, "jpeg", 12_345, [0.6f, 0.8f]);

    private static GalleryContent Content(IReadOnlyList<GalleryImage> images, GalleryNote? note = null, GalleryText? text = null) => new(
        "samples",
        images,
        note is null ? [] : [note],
        note is null ? [] : [note],
        text is null ? [] : [text],
        text is null ? [] : [text.Text],
        [new GalleryFact(images.Count.ToString(System.Globalization.CultureInfo.InvariantCulture), "described")],
        [new GalleryModel("caption", "demo-captioner", new string('a', 64))],
        0);

    private static JsonElement Data(string page) => Json(Inner(page, "id=\"data\">", "</script>"));

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private static string Inner(string page, string start, string end)
    {
        var from = page.IndexOf(start, StringComparison.Ordinal) + start.Length;
        return page[from..page.IndexOf(end, from, StringComparison.Ordinal)];
    }

    private static string Hash(string text) => "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    [GeneratedRegex("""\b(?:src|href|url|action)\s*=\s*"([^"]*)""", RegexOptions.IgnoreCase)]
    private static partial Regex Addresses();
}
