using Parquet.Serialization;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Results;
using static VlWorker.Producer.Tests.Results.Arrivals;

namespace VlWorker.Producer.Tests.Results;

public sealed class ParquetStoreTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_Parquet_folder_with_a_file_of_others_is_refused_in_words()
    {
        _folder.Write("out/results-20260101T000000.000-0001.parquet", "no Parquet");

        var error = await Assert.ThrowsAsync<ProducerException>(OpenAsync);

        Assert.Equal(ExitCode.JobFile, error.ExitCode);
    }

    [Fact]
    public async Task Parquet_files_hold_captions_and_embeddings_of_both_forms()
    {
        using var store = await OpenAsync();
        store.Add(Result("1", new Embedding { Dimensions = 2, Values = [0.6f, -0.8f] }));
        store.Add(Result("2", new Embedding { Dimensions = 2, Base64 = Convert.ToBase64String([.. BitConverter.GetBytes(0.6f), .. BitConverter.GetBytes(-0.8f)]) }));
        store.Add(Arrive(new ImageRejected { Id = "3", Image = new ImageReference { Bucket = "b", Key = "k" }, Reason = "corrupt", Detail = "cut short", RejectedAt = DateTimeOffset.UnixEpoch }));
        await store.FlushAsync();

        var file = Assert.Single(Directory.GetFiles(_folder["out"], "*.parquet"));
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
        using var store = await OpenAsync();
        store.Add(Arrive(described));
        await store.FlushAsync();

        await using var stream = File.OpenRead(Assert.Single(Directory.GetFiles(_folder["out"], "*.parquet")));
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
            Assert.Single(Directory.GetFiles(_folder["out"], "*.parquet"));
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
        foreach (var file in Directory.GetFiles(_folder["out"], "*.parquet").Order(StringComparer.Ordinal))
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
        Assert.Equal(2, Directory.GetFiles(_folder["out"], "*.parquet").Length);
    }

    [Fact]
    public async Task A_Parquet_folder_has_one_writer_at_a_time()
    {
        using (var first = await OpenAsync())
        {
            first.Add(Result("1"));
            _folder.Write("out/results-20261126T120000.000-0001.parquet.tmp", "half of what the first one writes");

            var error = await Assert.ThrowsAsync<ProducerException>(OpenAsync);

            Assert.Equal(ExitCode.JobFile, error.ExitCode);
            Assert.Equal($"another process writes results to {_folder["out"]}: give each one of its own", error.Message);
            Assert.Single(Directory.GetFiles(_folder["out"], "*.tmp"));
            await first.FlushAsync();
        }

        using var second = await OpenAsync();
        second.Add(Result("2"));
        await second.FlushAsync();
        Assert.Equal(2, Directory.GetFiles(_folder["out"], "*.parquet").Length);
    }

    [Theory]
    [InlineData("0001-01-01T00:00:00Z")]
    [InlineData("9999-12-31T23:59:59.9999999Z")]
    public async Task Any_time_that_a_message_may_hold_can_be_written(string time)
    {
        using var store = await OpenAsync();
        store.Add(Arrive(Answer.Read(Result("1").Body).Image! with { ProducedAt = DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture) }));
        await store.FlushAsync();

        Assert.Single(Directory.GetFiles(_folder["out"], "*.parquet"));
    }

    private Task<ParquetStore> OpenAsync() => ParquetStore.OpenAsync(_folder["out"], 10, TimeSpan.FromSeconds(1), TimeProvider.System);

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
}
