using System.Diagnostics;
using System.Text;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

/// <summary>The scripts of docs/examples speak the protocol with a client that is neither ours nor .NET. The end-to-end tests run them against a worker.</summary>
public sealed class ForeignClientTests(ProducerFixture producer) : IClassFixture<ProducerFixture>
{
    [Fact]
    public async Task The_Python_example_gets_its_answer()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker);

        var (code, output, error) = await RunAsync("旅行/a b.jpg");

        Assert.True(code == 0, error);
        var answer = Answer.Read(Encoding.UTF8.GetBytes(output));
        Assert.StartsWith("python-", answer.Id, StringComparison.Ordinal);
        Assert.Equal("旅行/a b.jpg", answer.Image!.Image.Key);
    }

    [Fact]
    public async Task The_Python_example_says_why_it_was_rejected()
    {
        await using var worker = await FakeWorker.StartAsync(producer.Broker);

        var (code, _, error) = await RunAsync("bad.jpg");

        Assert.Equal(1, code);
        Assert.Contains("rejected: not-found", error, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(string key)
    {
        // Debian's own Python has Debian's python3-pika; another one first in the path may not.
        var python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        var start = new ProcessStartInfo(python, [Repository.At("docs", "examples", "publish.py"), producer.Broker.Uri.ToString(), "photos", key])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment["PYTHONIOENCODING"] = "utf-8";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(3));
        return (process.ExitCode, await output, await error);
    }
}
