using System.Collections.Concurrent;
using System.Globalization;
using Spectre.Console;
using VlWorker.Contracts;
using VlWorker.Demo.Gallery;
using VlWorker.Hosting;

namespace VlWorker.Demo;

/// <summary>One run of the demo: find images, describe them through a whole worker, write results.jsonl and the gallery.</summary>
internal sealed class DemoRun(DemoSettings settings, string[] workerSettings, IAnsiConsole console, TimeProvider time)
{
    private const string ImageJob = "demo";
    private const string TextJob = "demo-texts";

    /// <summary>Requests under way: more than the worker takes at a time, so that it never waits for the next.</summary>
    private const int UnderWay = 256;

    private readonly DemoProgress _progress = new(console, time);
    private readonly DemoReport _report = new(console);
    private readonly DemoTally _tally = new();

    /// <summary>Runs it.</summary>
    /// <returns>An exit code, see <see cref="DemoExit"/>.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        OutputFolder? output = null;
        try
        {
            var (images, folder) = Folders(settings);
            output = OutputFolder.Open(folder);
            return await RunAsync(images, output, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            console.Line(output is null ? "Interrupted." : $"Interrupted. What was done until then is in {output.ResultsPath}");
            return DemoExit.Interrupted;
        }
        catch (Exception error) when (error is DemoException or StartupException)
        {
            console.Line($"Error: {DemoReport.Printable(error.Message, keepLines: true)}");
            return DemoExit.CannotStart;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            console.Line($"Error: the results can't be written: {DemoReport.Printable(error.Message)}");
            return DemoExit.Incomplete;
        }
        finally
        {
            output?.Dispose();
        }
    }

    private async Task<int> RunAsync(string images, OutputFolder output, CancellationToken cancellation)
    {
        var scan = ImageScan.Run(images, output.Folder, settings.Limit, cancellation);
        console.Line(scan.Keys.Count == 0
            ? $"There are no images in {DemoReport.Printable(images)}"
            : string.Create(CultureInfo.InvariantCulture, $"{scan.Keys.Count:N0} images in {DemoReport.Printable(images)}"));
        var started = time.GetTimestamp();
        await using var worker = await EmbeddedWorker.StartAsync(EmbeddedWorker.Options(workerSettings, images), cancellation);
        var loading = time.GetElapsedTime(started);
        var tasks = Tasks(worker);
        await using var client = await worker.ConnectAsync(cancellation: cancellation);
        started = time.GetTimestamp();
        await _progress.RunAsync("Describing", "images", scan.Keys.Count, done => DescribeAsync(client, tasks, scan.Keys, output, done, cancellation));
        var elapsed = time.GetElapsedTime(started);
        var texts = await EmbedAsync(client, cancellation);
        var page = await new GalleryBuilder(_progress, worker.Store).BuildAsync(images, scan, _tally, texts, settings, elapsed, cancellation);
        var written = TryWrite(output, page);
        _report.Summary(scan, _tally, loading, elapsed);
        _report.Queries(texts, _tally.Images);
        _report.Written(output, written);
        return written && _tally.Failed.Count == 0 && scan.Unreadable.Count == 0 ? DemoExit.Complete : DemoExit.Incomplete;
    }

    private static (string Images, string Output) Folders(DemoSettings settings)
    {
        if (settings.Images.Length == 0 || settings.Out.Length == 0)
            throw new DemoException("--images and --out take a folder");
        var images = Path.TrimEndingDirectorySeparator(Path.GetFullPath(settings.Images));
        if (File.Exists(images))
            throw new DemoException($"'{images}' is a file: --images takes a folder");
        if (!Directory.Exists(images))
            throw new DemoException($"there is no folder '{images}'");
        return (images, Path.TrimEndingDirectorySeparator(Path.GetFullPath(settings.Out)));
    }

    // Everything that the models can do without being told more, and answers where there is a question.
    private List<string> Tasks(EmbeddedWorker worker)
    {
        if (settings.Question is not null && !worker.Does(Contracts.Tasks.Answer))
            throw new DemoException("--ask: none of the models answers questions");
        string[] wanted = [.. Contracts.Tasks.Default, Contracts.Tasks.Detect, .. settings.Question is null ? (string[])[] : [Contracts.Tasks.Answer]];
        return wanted.Where(worker.Does).ToList() is { Count: > 0 } tasks ? tasks
            : throw new DemoException($"none of the models does {string.Join(", ", wanted)}");
    }

    private Task DescribeAsync(
        RequestClient client, IReadOnlyList<string> tasks, IReadOnlyList<string> keys, OutputFolder output, Action done, CancellationToken cancellation) =>
        Parallel.ForEachAsync(Enumerable.Range(0, keys.Count), Options(cancellation), async (i, token) =>
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"image-{i + 1}");
            var request = new DescribeImage
            {
                Id = id,
                JobId = ImageJob,
                Tasks = tasks,
                Prompt = settings.Question,
                Image = new ImageReference { Bucket = EmbeddedWorker.Bucket, Key = keys[i] },
            };
            try
            {
                var reply = await client.AskAsync(id, Topology.BackfillRoutingKey, ContractsJson.Write(request), token);
                output.Append(reply.Body);
                _tally.Add(keys[i], reply.Answer);
            }
            catch (NoAnswerException error)
            {
                _tally.Fail(keys[i], error.Reason, error.Message);
            }

            done();
        });

    /// <summary>The embeddings of the queries, and of words and captions for the search in the page.</summary>
    private async Task<IReadOnlyList<GalleryText>> EmbedAsync(RequestClient client, CancellationToken cancellation)
    {
        var captions = _tally.Images.Select(image => image.Caption).OfType<string>().ToList();
        var texts = TextVocabulary.Choose(settings.Queries, captions, GalleryLimits.Texts);
        var queries = settings.Queries.ToHashSet(StringComparer.OrdinalIgnoreCase);
        var found = new ConcurrentDictionary<int, GalleryText>();
        await _progress.RunAsync("Embedding words", "texts", texts.Count, done =>
            Parallel.ForEachAsync(Enumerable.Range(0, texts.Count), Options(cancellation), async (i, token) =>
            {
                var id = string.Create(CultureInfo.InvariantCulture, $"text-{i + 1}");
                var request = ContractsJson.Write(new DescribeText { Id = id, JobId = TextJob, Text = texts[i] });
                try
                {
                    // A text that is rejected, such as without a model that embeds texts, can't be searched by meaning.
                    if ((await client.AskAsync(id, Topology.TextRoutingKey, request, token)).Answer.Text?.Embedding.Values is { } values)
                        found[i] = new GalleryText(texts[i], [.. values], queries.Contains(texts[i]));
                }
                catch (NoAnswerException)
                {
                    // Nor can one without an answer; the images' own exit code stands.
                }

                done();
            }));
        return [.. found.OrderBy(pair => pair.Key).Select(pair => pair.Value)];
    }

    private bool TryWrite(OutputFolder output, GalleryPageSource page)
    {
        try
        {
            output.WritePage(page.Write);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            console.Line($"Error: the page can't be written: {error.Message}");
            return false;
        }
    }

    private static ParallelOptions Options(CancellationToken cancellation) => new() { MaxDegreeOfParallelism = UnderWay, CancellationToken = cancellation };
}
