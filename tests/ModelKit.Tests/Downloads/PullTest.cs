using Microsoft.AspNetCore.Http;
using VlWorker.ModelKit.Downloads;

namespace VlWorker.ModelKit.Tests.Downloads;

/// <summary>A server with a small model, and a folder to fetch it into.</summary>
public abstract class PullTest : IAsyncLifetime
{
    protected const string Token = "hf_secret";
    protected const string Weights = "model.safetensors";

    private protected static readonly byte[] Content = [.. Enumerable.Range(0, 400_000).Select(static i => (byte)(i * 7 / 5))];

    private readonly string _parent = Directory.CreateTempSubdirectory("vlworker-pull-").FullName;

    private protected LocalHub Hub { get; private set; } = null!;

    protected string Folder => Path.Combine(_parent, "model");

    protected string PartialWeights => Path.Combine(Folder + ".part", ".vlworker-part-" + Weights);

    public async Task InitializeAsync()
    {
        Hub = await LocalHub.StartAsync();
        Hub.Files["config.json"] = "{}"u8.ToArray();
        Hub.Files["tokenizer.json"] = new byte[2000];
        Hub.Files["README.md"] = "model"u8.ToArray();
        Hub.Files["onnx/model.onnx"] = new byte[3000];
        Hub.Files[Weights] = Content;
    }

    public async Task DisposeAsync()
    {
        await Hub.DisposeAsync();
        Directory.Delete(_parent, true);
    }

    private protected Task<PullResult> PullAsync(Func<PullOptions, PullOptions>? change = null, CancellationToken cancellation = default)
    {
        var options = new PullOptions(LocalHub.Repository, Folder)
        {
            Endpoint = Hub.Address,
            Token = Token,
            RetryDelay = TimeSpan.FromMilliseconds(1),
            Attempts = 4,
        };
        return new ModelPull(change?.Invoke(options) ?? options, TimeProvider.System).RunAsync(cancellation).WaitAsync(TimeSpan.FromMinutes(1), CancellationToken.None);
    }

    /// <summary>The pull fails for good, says why, and leaves no model behind; nor does it tell the token.</summary>
    private protected async Task<string> ErrorAsync(Func<PullOptions, PullOptions>? change = null)
    {
        var error = await Assert.ThrowsAsync<PullException>(() => PullAsync(change));
        Assert.False(Directory.Exists(Folder));
        Assert.DoesNotContain(Token, error.ToString(), StringComparison.Ordinal);
        return error.Message;
    }

    /// <summary>Answers a request for the weights.</summary>
    private protected void OnWeights(Func<HttpContext, int, Task<bool>> answer) => Hub.Trouble = (context, target, number) =>
        target.EndsWith(Weights, StringComparison.Ordinal) ? answer(context, number) : Task.FromResult(false);

    /// <summary>Sends the beginning of the weights, and waits until it is on the other side's disk.</summary>
    private protected async Task SendHalfAsync(HttpContext context)
    {
        context.Response.ContentLength = Content.Length;
        context.Response.Headers.ETag = $"\"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Content))}\"";
        await context.Response.Body.WriteAsync(Content.AsMemory(0, Content.Length / 2));
        await context.Response.Body.FlushAsync();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (new FileInfo(PartialWeights) is var part && (!part.Exists || part.Length < Content.Length / 2))
        {
            timeout.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    protected string[] Fetched() => [.. Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Folder, path).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    protected void AssertComplete()
    {
        Assert.Equal(["config.json", Weights, "tokenizer.json"], Fetched());
        Assert.Equal(Content, File.ReadAllBytes(Path.Combine(Folder, Weights)));
        Assert.False(Directory.Exists(Folder + ".part"));
    }
}
