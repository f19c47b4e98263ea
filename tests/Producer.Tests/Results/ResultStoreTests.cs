using Parquet.Serialization;
using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Results;

namespace VlWorker.Producer.Tests.Results;

public sealed class ResultStoreTests : IDisposable
{
    private static readonly string Hash = new('a', 64);
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_torn_line_is_removed_and_what_comes_again_is_not_written_twice()
    {
        var path = _folder["r.jsonl"];
        using (var store = new JsonLinesStore(path))
        {
            store.Add(Result("1"));
            store.Add(Result("2"));
            await store.FlushAsync();
        }

        var whole = await File.ReadAllTextAsync(path);
        await File.AppendAllTextAsync(path, "{\"id\":\"3\",\"out");
        using (var again = new JsonLinesStore(path))
        {
            again.Add(Result("2", redelivered: true));
            again.Add(Result("3", redelivered: true));
            await again.FlushAsync();
        }

        var lines = await File.ReadAllLinesAsync(path);
        Assert.StartsWith(whole, await File.ReadAllTextAsync(path), StringComparison.Ordinal);
        Assert.Equal(["1", "2", "3"], lines.Select(line => Answer.Read(System.Text.Encoding.UTF8.GetBytes(line)).Id));
    }

    [Fact]
    public async Task A_last_line_without_its_end_is_kept_and_another_file_is_left_as_it_is()
    {
        var (lines, other) = (_folder.Write("r.jsonl", "{\"id\":\"1\"}\n{\"id\":\"2\"}"), _folder.Write("notes.txt", "first\nsecond"));
        using (var store = new JsonLinesStore(lines))
        {
            store.Add(Result("3"));
            await store.FlushAsync();
        }

        Assert.StartsWith("{\"id\":\"1\"}\n{\"id\":\"2\"}\n{\"id\":\"3\"", await File.ReadAllTextAsync(lines), StringComparison.Ordinal);
        Assert.Equal(ExitCode.JobFile, Assert.Throws<ProducerException>(() => new JsonLinesStore(other)).ExitCode);
        Assert.Equal("first\nsecond", await File.ReadAllTextAsync(other));
    }

    [Fact]
    public async Task A_full_disk_is_named_once()
    {
        // The device takes nothing, as a full disk does.
        var store = new JsonLinesStore("/dev/full");
        store.Add(Result("1"));

        var error = await Assert.ThrowsAsync<ProducerException>(store.FlushAsync);
        store.Dispose();

        Assert.Equal(ExitCode.JobFile, error.ExitCode);
        Assert.Contains("still at the broker", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Parquet_folder_with_a_file_of_others_is_refused_in_words()
    {
        _folder.Write("out/results-20260101T000000.000-0001.parquet", "no Parquet");

        var error = await Assert.ThrowsAsync<ProducerException>(() => ParquetStore.OpenAsync(_folder["out"], 10, TimeSpan.FromSeconds(1), TimeProvider.System));

        Assert.Equal(ExitCode.JobFile, error.ExitCode);
    }

    [Fact]
    public void An_image_may_be_named_as_the_result_of_another_is()
    {
        using var store = new FolderStore(_folder["out"]);
        string[] keys = ["a", "a.json/x", "a.json.tmp/x", "a.json"];
        foreach (var key in keys)
            store.Add(Result("1", key: key));

        var files = Directory.GetFiles(_folder["out"], "*", SearchOption.AllDirectories);
        Assert.Equal(keys.Order(), files.Select(file => Answer.Read(File.ReadAllBytes(file)).Image!.Image.Key).Order());
    }

    [Fact]
    public async Task Parquet_files_hold_captions_and_embeddings_of_both_forms()
    {
        using var store = await ParquetStore.OpenAsync(_folder["out"], 10, TimeSpan.FromSeconds(1), TimeProvider.System);
        store.Add(Result("1", new Embedding { Dimensions = 2, Values = [0.6f, -0.8f] }));
        store.Add(Result("2", new Embedding { Dimensions = 2, Base64 = Convert.ToBase64String([.. BitConverter.GetBytes(0.6f), .. BitConverter.GetBytes(-0.8f)]) }));
        store.Add(Arrive(new ImageRejected { Id = "3", Image = new ImageReference { Bucket = "b", Key = "k" }, Reason = "corrupt", Detail = "cut short", RejectedAt = DateTimeOffset.UnixEpoch }));
        await store.FlushAsync();

        var file = Assert.Single(Directory.GetFiles(_folder["out"]));
        await using var stream = File.OpenRead(file);
        var rows = (await ParquetSerializer.DeserializeAsync<ResultRow>(stream)).Data;
        Assert.Equal(["image", "image", "rejected"], rows.Select(row => row.Kind!));
        Assert.All(rows.Take(2), row => Assert.Equal([0.6f, -0.8f], row.Embedding!));
        Assert.Equal(("a red kite", -0.5, 4, Hash), (rows[0].Caption, rows[0].CaptionScore, rows[0].CaptionTokens, rows[0].CaptionResultId));
        Assert.Equal(("corrupt", "cut short", "k", null), (rows[2].Reason, rows[2].Detail, rows[2].Key, rows[2].Caption));
        Assert.Equal(new DateTime(2026, 11, 26, 12, 0, 0, 250), rows[0].AnsweredAt);
    }

    [Fact]
    public async Task Parquet_files_hold_answers_detections_and_classifications()
    {
        var model = new ModelReference { Alias = "m", Revision = Hash };
        Output Of(string task) => new() { Task = task, Model = model, ResultId = task, ContentId = task };
        var described = Answer.Read(Result("1").Body).Image! with
        {
            Outputs =
            [
                Of(Tasks.Answer) with { Answer = new Caption { Text = "two", Score = -0.25, Tokens = 2 } },
                Of(Tasks.Detect) with { Detections = [new Detection { Label = "kite", Box = new Box { Left = 1, Top = 2, Right = 3.5, Bottom = 4 } }] },
                Of(Tasks.Classify) with
                {
                    Classification = new Classification { Function = ScoreFunctions.Sigmoid, Labels = [new LabelScore { Label = "犬", Score = 0.75 }, new LabelScore { Label = "b", Score = 0.25 }] },
                },
            ],
        };
        using var store = await ParquetStore.OpenAsync(_folder["out"], 10, TimeSpan.FromSeconds(1), TimeProvider.System);
        store.Add(Arrive(described));
        await store.FlushAsync();

        await using var stream = File.OpenRead(Assert.Single(Directory.GetFiles(_folder["out"])));
        var row = (await ParquetSerializer.DeserializeAsync<ResultRow>(stream)).Data[0];
        Assert.Equal(("two", -0.25, 2, "m", "answer"), (row.Answer, row.AnswerScore, row.AnswerTokens, row.AnswerModel, row.AnswerResultId));
        Assert.Equal("""[{"label":"kite","box":{"left":1,"top":2,"right":3.5,"bottom":4}}]""", row.Detections);
        Assert.Equal(["犬", "b"], row.Labels!);
        Assert.Equal([0.75, 0.25], row.LabelScores!);
        Assert.Equal(("detect", "classify", null), (row.DetectResultId, row.ClassifyResultId, row.Caption));
    }

    [Fact]
    public async Task A_Parquet_folder_is_taken_up_after_a_crash()
    {
        using (var store = await ParquetStore.OpenAsync(_folder["out"], 10, TimeSpan.FromSeconds(1), TimeProvider.System))
        {
            store.Add(Result("1"));
            await store.FlushAsync();
        }

        _folder.Write("out/results-20991231T000000.000-0001.parquet.tmp", "half a fi");
        using (var again = await ParquetStore.OpenAsync(_folder["out"], 10, TimeSpan.FromSeconds(1), TimeProvider.System))
        {
            again.Add(Result("1", redelivered: true));
            await again.FlushAsync();
            Assert.Single(Directory.GetFiles(_folder["out"]));
            again.Add(Result("2", redelivered: true));
            await again.FlushAsync();
        }

        Assert.Equal(2, Directory.GetFiles(_folder["out"], "*.parquet").Length);
    }

    [Fact]
    public async Task A_clock_set_back_neither_overwrites_a_Parquet_file_nor_confuses_which_one_is_the_last()
    {
        var noon = new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);
        await WriteAsync(noon, Result("1"));

        // The same moment and an earlier one, each in a process of its own.
        await WriteAsync(noon, Result("2"));
        await WriteAsync(noon - TimeSpan.FromHours(1), Result("3"), Result("4"));

        // The last file was written by an earlier clock: what it holds comes again.
        await WriteAsync(noon - TimeSpan.FromHours(2), Result("4", redelivered: true), Result("5"));

        var ids = new List<string>();
        foreach (var file in Directory.GetFiles(_folder["out"]).Order(StringComparer.Ordinal))
        {
            await using var stream = File.OpenRead(file);
            ids.AddRange((await ParquetSerializer.DeserializeAsync<ResultRow>(stream)).Data.Select(row => row.Id!));
        }

        Assert.Equal(["1", "2", "3", "4", "5"], ids);
    }

    [Fact]
    public async Task A_finished_Parquet_file_is_never_overwritten()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero));
        using var store = await ParquetStore.OpenAsync(_folder["out"], 10, TimeSpan.FromSeconds(1), time);

        // Another process has the same idea of a name.
        _folder.Write("out/results-20261126T120000.000-0001.parquet", "others");
        store.Add(Result("1"));
        await store.FlushAsync();

        Assert.Equal("others", await File.ReadAllTextAsync(_folder["out/results-20261126T120000.000-0001.parquet"]));
        Assert.Equal(2, Directory.GetFiles(_folder["out"]).Length);
    }

    [Theory]
    [InlineData("cats/1.jpg", "photos/cats/1.jpg.json")]
    [InlineData("../../etc/passwd", "photos/%2E2E/%2E2E/etc/passwd.json")]
    [InlineData("/a//b", "photos/%/a/%/b.json")]
    [InlineData("a:b*\u0001", "photos/a%3Ab%2A%01.json")]
    [InlineData("旅行/é.png", "photos/旅行/é.png.json")]
    public void A_folder_has_a_file_an_image_below_itself(string key, string expected)
    {
        using var store = new FolderStore(_folder["out"]);

        store.Add(Result("1", key: key));
        store.Add(Result("1", key: key));

        var file = Assert.Single(Directory.GetFiles(_folder["out"], "*", SearchOption.AllDirectories));
        Assert.Equal(expected, Path.GetRelativePath(_folder["out"], file));
        Assert.Equal(key, Answer.Read(File.ReadAllBytes(file)).Image!.Image.Key);
    }

    [Fact]
    public void Long_names_are_cut_and_stay_different()
    {
        var (one, other) = (FolderStore.Name(new string('x', 1000)), FolderStore.Name(new string('x', 1001)));

        Assert.NotEqual(one, other);
        Assert.InRange(one.Length, 10, 200);
    }

    /// <summary>A process that begins at some time and writes each message into a file of its own.</summary>
    private async Task WriteAsync(DateTimeOffset now, params Arrival[] arrivals)
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(now);
        using var store = await ParquetStore.OpenAsync(_folder["out"], 10, TimeSpan.FromSeconds(1), time);
        foreach (var arrival in arrivals)
        {
            store.Add(arrival);
            await store.FlushAsync();
        }
    }

    private static Arrival Result(string id, Embedding? embedding = null, bool redelivered = false, string key = "k.jpg") => Arrive(
        new ImageDescribed
        {
            Id = id,
            Image = new DescribedImage { Bucket = "photos", Key = key, Sha256 = Hash, Bytes = 1, Width = 1, Height = 1, Format = "png" },
            Outputs =
            [
                new Output { Task = Tasks.Caption, Model = new ModelReference { Alias = "c", Revision = Hash }, ResultId = Hash, ContentId = Hash, Caption = new Caption { Text = "a red kite", Score = -0.5, Tokens = 4 } },
                new Output { Task = Tasks.Embedding, Model = new ModelReference { Alias = "e", Revision = Hash }, ResultId = Hash, ContentId = Hash, Embedding = embedding ?? new Embedding { Dimensions = 1, Values = [1] } },
            ],
            Timings = new Timings { Fetch = 1, Decode = 1, BatchWait = 1, Inference = 1, BatchSize = 1 },
            ProducedAt = new DateTimeOffset(2026, 11, 26, 12, 0, 0, 250, TimeSpan.Zero),
        },
        redelivered);

    private static Arrival Arrive<T>(T message, bool redelivered = false)
        where T : class => new(1, ContractsJson.Write(message), Topology.ResultsExchange, new BasicProperties(), redelivered);
}
