using System.Diagnostics;
using VlWorker.Integration.Infrastructure;
using VlWorker.Integration.Producer;

namespace VlWorker.Integration.EndToEnd;

/// <summary>The indexer of docs/examples with a real PostgreSQL, fed by a backfill that a real worker answers.</summary>
public sealed class IndexerTests(TestBroker broker, TestStore store) : IClassFixture<TestBroker>, IClassFixture<TestStore>
{
    [Fact]
    public async Task A_backfill_is_indexed_once_an_image_and_found_by_text()
    {
        var server = new ServerScript("postgres.sh", Repository.NewFolder("postgres"));
        var dsn = (await server.StartAsync())["VLWORKER_TEST_POSTGRES"];
        var samples = Directory.GetFiles(Repository.At("samples")).Where(path => !path.EndsWith(".json", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Take(24).ToList();
        foreach (var path in samples)
            await store.PutFileAsync(Path.GetFileName(path), path);
        await using var worker = await WorkerProcess.StartAsync(broker.Uri, store.Owner, [store.Bucket], []);
        await ScriptAsync("index", dsn, "--once");

        var folder = Repository.NewFolder("indexer");
        var manifest = Path.Combine(folder, "m.txt");
        await File.WriteAllLinesAsync(manifest, samples.Select(path => Path.GetFileName(path)!));
        foreach (var job in (string[])["one", "two"])
        {
            var backfill = await ProducerFixture.RunAsync(
                broker.Uri, Stream.Null, default, "backfill", "--job", job, "--bucket", store.Bucket, "--manifest", manifest, "--file", Path.Combine(folder, job));
            Assert.True(backfill.Code == 0, backfill.Error);
            await ScriptAsync("index", dsn, "--once");
        }

        var all = (await ScriptAsync("search", dsn, "a picture")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var caption = all[0].Split("  ", 3)[2];
        var found = (await ScriptAsync("search", dsn, caption)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(5, found.Length);
        Assert.Equal(5, found.Select(line => line.Split("  ", 3)[1]).Distinct().Count());
        Assert.EndsWith(caption, found[0], StringComparison.Ordinal);
        await server.RemoveAsync();
        Directory.Delete(folder, recursive: true);
    }

    private async Task<string> ScriptAsync(string verb, string dsn, string argument)
    {
        var python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        var start = new ProcessStartInfo(python, [Repository.At("docs", "examples", "indexer.py"), verb, broker.Uri.ToString(), dsn, argument])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException(await error);
    }
}
