using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Spectre.Console;
using VlWorker.Contracts;
using VlWorker.Demo;
using VlWorker.Hosting;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Demo;

/// <summary>The whole demo: a whole worker with the bundled models, in this process.</summary>
public sealed class DemoRunTests : IDisposable
{
    private static readonly string Samples = ResourcePath.Resolve("samples");

    private readonly TempFolder _folder = new();
    private readonly StringWriter _text = new();

    [Fact]
    public async Task The_samples_get_their_captions()
    {
        var truth = JsonDocument.Parse(File.ReadAllText(Path.Combine(Samples, "truth.json"))).RootElement.EnumerateArray()
            .ToDictionary(entry => entry.GetProperty("file").GetString()!, entry => entry.GetProperty("caption").GetString());

        Assert.Equal(DemoExit.Complete, await RunAsync(Samples));

        var answers = Answers();
        Assert.Equal(truth.Keys.Order(StringComparer.Ordinal), answers.Select(answer => answer.Image!.Image.Key).Order(StringComparer.Ordinal));
        Assert.InRange(answers.Count(answer => CaptionOf(answer) == truth[answer.Image!.Image.Key]), 94, 96);
        Assert.All(answers, answer => Assert.Equal(128, answer.Image!.Outputs.Single(output => output.Task == Tasks.Embedding).Embedding!.Dimensions));
        Assert.Contains("described", _text.ToString(), StringComparison.Ordinal);
        Assert.InRange(new FileInfo(_folder.At("out/index.html")).Length, 200_000, 3_000_000);
    }

    [Fact]
    public async Task An_odd_folder_gets_an_answer_for_each_image_and_its_output_is_not_among_them()
    {
        var images = Path.Combine(_folder.Path, "odd images");
        var expected = Odd(images);
        var output = Path.Combine(images, "out");

        for (var run = 0; run < 2; run++)
            Assert.Equal(DemoExit.Complete, await RunAsync(images, output));

        var lines = File.ReadAllLines(Path.Combine(output, "results.jsonl"));
        var answers = lines.Select(line => Answer.Read(Encoding.UTF8.GetBytes(line))).ToDictionary(KeyOf, StringComparer.Ordinal);
        Assert.Equal(lines.Length, answers.Count);
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), answers.Keys.Order(StringComparer.Ordinal));
        foreach (var (key, reason) in expected.Where(pair => pair.Value != "any"))
            Assert.Equal((key, reason), (key, answers[key].Rejection?.Reason ?? CaptionOf(answers[key])));
        var page = File.ReadAllText(Path.Combine(output, "index.html"));
        Assert.DoesNotContain("<img src=x", page, StringComparison.Ordinal);
        Assert.Contains("not-an-image", page, StringComparison.Ordinal);
        Assert.Contains("special-file", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_detects_and_answers_does_so_for_each_image()
    {
        string[] settings = ["--Inference:Models:0:Alias=tiny", $"--Inference:Models:0:Folder={FixtureArchive.Extract("florence-2")}", "--Inference:Models:0:Optimize=Off"];
        Assert.Equal(DemoExit.Complete, await RunAsync(Samples, limit: 3, settings: settings, question: "What colour is it?"));
        Assert.Equal(3, Answers().Count);
        Assert.All(Answers(), answer => Assert.Equal([Tasks.Caption, Tasks.Detect, Tasks.Answer], answer.Image!.Outputs.Select(output => output.Task)));
        var page = File.ReadAllText(_folder.At("out/index.html"));
        Assert.Contains("\"question\":\"What colour is it?\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_question_that_no_model_answers_is_refused()
    {
        Assert.Equal(DemoExit.CannotStart, await RunAsync(Samples, question: "What is it?"));
        Assert.Contains("--ask: none of the models answers questions", _text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Limit_and_query_are_honoured()
    {
        Assert.Equal(DemoExit.Complete, await RunAsync(Samples, limit: 5, queries: ["a banana above a candy", "</script>"]));

        Assert.Equal(
            ["0000.jpg", "0001.jpg", "0002.png", "0003.jpg", "0004.jpg"],
            Answers().Select(answer => answer.Image!.Image.Key).Order(StringComparer.Ordinal));
        var text = _text.ToString();
        Assert.Contains("91 more beyond the limit", text, StringComparison.Ordinal);
        var ranking = text[text.IndexOf("Closest to \"a banana above a candy\":", StringComparison.Ordinal)..].Split('\n');
        Assert.Contains("0001.jpg", ranking[1], StringComparison.Ordinal);
        var page = File.ReadAllText(_folder.At("out/index.html"));
        Assert.Contains("\"queries\":[\"a banana above a candy\",\"\\u003C/script\\u003E\"]", page, StringComparison.Ordinal);
        Assert.Equal(5, JsonDocument.Parse(Inner(page, "id=\"thumbnails-0\">")).RootElement.EnumerateArray().Count(item => item.ValueKind == JsonValueKind.String));
    }

    [Fact]
    public async Task An_empty_folder_is_no_failure()
    {
        Directory.CreateDirectory(_folder.At("empty"));

        Assert.Equal(DemoExit.Complete, await RunAsync(_folder.At("empty")));

        Assert.Contains("There are no images in", _text.ToString(), StringComparison.Ordinal);
        Assert.Empty(Answers());
        Assert.True(File.Exists(_folder.At("out/index.html")));
    }

    [Fact]
    public async Task What_can_not_start_says_why_and_leaves_no_output()
    {
        var file = _folder.Write("file.jpg", "x"u8);

        Assert.Equal(DemoExit.CannotStart, await RunAsync(_folder.At("nowhere")));
        Assert.Equal(DemoExit.CannotStart, await RunAsync(file));
        Assert.Equal(DemoExit.CannotStart, await RunAsync(Samples, output: file));

        var text = _text.ToString();
        Assert.Contains("there is no folder", text, StringComparison.Ordinal);
        Assert.Contains("--images takes a folder", text, StringComparison.Ordinal);
        Assert.Contains("can't write to the output folder", text, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("out")));
    }

    [Fact]
    public async Task Models_that_are_missing_are_named()
    {
        Assert.Equal(DemoExit.CannotStart, await RunAsync(Samples, settings: ["--Inference:Models:0:Alias=x", "--Inference:Models:0:Folder=/nowhere/model"]));

        Assert.Contains("/nowhere/model", _text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interruption_keeps_what_was_done()
    {
        using var stop = new CancellationTokenSource();
        await using var writer = new Trigger(_text, "images in", stop);

        Assert.Equal(DemoExit.Interrupted, await RunAsync(Samples, writer: writer, cancellation: stop.Token));

        Assert.Contains("Interrupted", _text.ToString(), StringComparison.Ordinal);
        Assert.True(File.Exists(_folder.At("out/results.jsonl")));
        Assert.False(File.Exists(_folder.At("out/index.html")));
    }

    public void Dispose()
    {
        _text.Dispose();
        _folder.Dispose();
    }

    /// <summary>Writes a folder of odd files; the result has the caption or the reason expected for each image.</summary>
    private static Dictionary<string, string> Odd(string folder)
    {
        var sample = File.ReadAllBytes(Path.Combine(Samples, "0003.jpg"));
        const string caption = "a window on a white background";
        var expected = new Dictionary<string, string>(StringComparer.Ordinal);
        void Write(string key, ReadOnlySpan<byte> content, string answer)
        {
            var path = Path.Combine(folder, key);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, content);
            if (answer.Length > 0)
                expected[key] = answer;
        }

        foreach (var name in new[] { "a b.jpg", "#1.jpg", "50%25.jpg", "line\nbreak.jpg", "quote\"'.jpg", "ü 猫.jpg", "sub/deep/c.jpg", "<img src=x onerror=alert(1)>.jpg", "wrong.png" })
            Write(name, sample, caption);
        Write("picture-without-extension", sample, caption);
        Write("empty.jpg", [], RejectionReason.Empty);
        Write("text.jpg", "not an image"u8, RejectionReason.UnsupportedFormat);
        Write("cut.jpg", sample.AsSpan(0, sample.Length / 3), RejectionReason.Corrupt);
        Write("huge.jpg", Declaring64250(sample), RejectionReason.TooManyPixels);
        Write("notes.txt", "notes"u8, "");
        File.CreateSymbolicLink(Path.Combine(folder, "link.jpg"), Path.Combine(folder, "a b.jpg"));
        expected["link.jpg"] = RejectionReason.AccessDenied;
        Directory.CreateSymbolicLink(Path.Combine(folder, "sub/loop"), folder);
        Write("locked.jpg", sample, "any");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path.Combine(folder, "locked.jpg"), UnixFileMode.None);
        using var pipe = Process.Start("mkfifo", [Path.Combine(folder, "pipe.jpg")]);
        pipe.WaitForExit();
        return expected;
    }

    /// <summary>The JPEG with 64,250 x 64,250 pixels in its frame header.</summary>
    private static byte[] Declaring64250(byte[] jpeg)
    {
        byte[] huge = [.. jpeg];
        var frame = Math.Max(huge.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]), huge.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC2]));
        Assert.True(frame > 0);
        new byte[] { 0xFA, 0xFA, 0xFA, 0xFA }.CopyTo(huge, frame + 5);
        return huge;
    }

    private Task<int> RunAsync(
        string images,
        string? output = null,
        string[]? queries = null,
        int? limit = null,
        string[]? settings = null,
        TextWriter? writer = null,
        string? question = null,
        CancellationToken cancellation = default)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer ?? _text),
        });
        var demo = new DemoSettings(images, output ?? _folder.At("out"), queries ?? [], limit) { Question = question };
        return new DemoRun(demo, settings ?? [], console, TimeProvider.System).RunAsync(cancellation).WaitAsync(TimeSpan.FromMinutes(3), CancellationToken.None);
    }

    private List<Answer> Answers() => [.. File.ReadLines(_folder.At("out/results.jsonl")).Select(line => Answer.Read(Encoding.UTF8.GetBytes(line)))];

    private static string KeyOf(Answer answer) => answer.Image?.Image.Key ?? answer.Rejection!.Image!.Key!;

    private static string CaptionOf(Answer answer) => answer.Image!.Outputs.Single(output => output.Task == Tasks.Caption).Caption!.Text;

    private static string Inner(string page, string start)
    {
        var from = page.IndexOf(start, StringComparison.Ordinal) + start.Length;
        return page[from..page.IndexOf("</script>", from, StringComparison.Ordinal)];
    }

    /// <summary>Cancels once a text is written.</summary>
    private sealed class Trigger(TextWriter inner, string text, CancellationTokenSource stop) : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => inner.Write(value);

        public override void WriteLine(string? value)
        {
            inner.WriteLine(value);
            if (value?.Contains(text, StringComparison.Ordinal) == true)
                stop.Cancel();
        }
    }
}
