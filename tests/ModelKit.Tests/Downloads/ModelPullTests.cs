using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using VlWorker.ModelKit.Downloads;

namespace VlWorker.ModelKit.Tests.Downloads;

public sealed class ModelPullTests : PullTest
{
    [Fact]
    public async Task A_checkpoint_and_what_belongs_to_it_is_fetched()
    {
        var result = await PullAsync();

        AssertComplete();
        Assert.Equal((Hub.Commit, false), (result.Commit, result.AlreadyThere));
        Assert.All(Hub.Requests, request => Assert.Equal($"Bearer {Token}", request.Authorization));
        Assert.StartsWith("/api/models/owner/model/revision/main", Hub.Requests.First().Target);
    }

    [Fact]
    public async Task Without_a_checkpoint_the_exports_are_fetched()
    {
        Hub.Files.Remove(Weights, out _);
        Hub.Files["onnx/model.onnx_data"] = new byte[5000];
        await PullAsync();
        Assert.Equal(["config.json", "onnx/model.onnx", "onnx/model.onnx_data", "tokenizer.json"], Fetched());
    }

    [Theory]
    [InlineData("chat_template.jinja")]
    [InlineData("chat_template.json")]
    [InlineData("processor_config.json")]
    public async Task What_a_chat_model_needs_beside_it_is_fetched(string name)
    {
        Hub.Files[name] = new byte[10];
        await PullAsync();
        Assert.Contains(name, Fetched());
    }

    [Fact]
    public async Task Without_either_the_checkpoint_of_PyTorch_is_fetched()
    {
        Hub.Files.Remove(Weights, out _);
        Hub.Files.Remove("onnx/model.onnx", out _);
        Assert.Contains("has neither safetensors nor onnx/*.onnx nor pytorch_model.bin", await ErrorAsync());
        Hub.Files["pytorch_model.bin"] = new byte[2000];
        await PullAsync();
        Assert.Equal(["config.json", "pytorch_model.bin", "tokenizer.json"], Fetched());
    }

    [Fact]
    public async Task Patterns_choose_files()
    {
        await PullAsync(options => options with { Include = ["onnx/*", "*.md"] });
        Assert.Equal(["README.md", "onnx/model.onnx"], Fetched());
        Directory.Delete(Folder, true);
        Assert.Contains("no file of the repository is named by *.onnx", await ErrorAsync(options => options with { Include = ["*.onnx"] }));
    }

    [Fact]
    public async Task A_revision_is_asked_for_by_its_name_and_fetched_by_its_commit()
    {
        await PullAsync(options => options with { Revision = "refs/pr/7" });
        Assert.Equal("/api/models/owner/model/revision/refs%2Fpr%2F7", Hub.Requests.First().Target);
        Assert.StartsWith($"/owner/model/resolve/{Hub.Commit}/", Assert.Single(Hub.Fetches(Weights)).Target);
    }

    [Fact]
    public async Task What_is_there_already_is_not_fetched_again_but_checked()
    {
        await PullAsync();
        var requests = Hub.Requests.Count;
        Assert.True((await PullAsync()).AlreadyThere);
        Assert.Equal(requests + 2, Hub.Requests.Count);

        File.WriteAllText(Path.Combine(Folder, "config.json"), "[]");
        var error = await Assert.ThrowsAsync<PullException>(() => PullAsync());
        Assert.Contains("exists and is not this model (config.json: git would name it", error.Message);
    }

    [Fact]
    public async Task A_listing_in_pages_is_read_to_its_end()
    {
        Hub.Trouble = async (context, target, _) =>
        {
            if (!target.Contains("/tree/", StringComparison.Ordinal))
                return false;
            var second = target.Contains("cursor", StringComparison.Ordinal);
            if (!second)
                context.Response.Headers.Link = $"<{Hub.Address}api/models/owner/model/tree/{Hub.Commit}?recursive=true&cursor=x>; rel=\"next\"";
            var digest = Convert.ToHexStringLower(SHA256.HashData(second ? Hub.Files["onnx/model.onnx"] : Content));
            var (path, size) = second ? ("onnx/model.onnx", 3000) : (Weights, Content.Length);
            await context.Response.WriteAsync($$"""[{"type":"file","path":"{{path}}","size":{{size}},"lfs":{"oid":"{{digest}}"} }]""");
            return true;
        };
        await PullAsync(options => options with { Include = ["**"] });
        Assert.Equal([Weights, "onnx/model.onnx"], Fetched());
    }

    [Theory]
    [InlineData("../outside.safetensors")]
    [InlineData("/etc/outside.safetensors")]
    [InlineData("a/../../outside.safetensors")]
    [InlineData("a\\\\..\\\\outside.safetensors")]
    [InlineData("C:outside.safetensors")]
    [InlineData("a//outside.safetensors")]
    [InlineData("./outside.safetensors")]
    [InlineData(".vlworker-pull")]
    [InlineData("a/.VLWORKER-part-x")]
    [InlineData("outside.safetensors.")]
    [InlineData("out\\u0000side.safetensors")]
    [InlineData("")]
    public async Task A_path_that_leads_elsewhere_is_refused(string path)
    {
        Listing($$"""[{"type":"file","path":"{{path}}","size":5,"oid":"{{new string('0', 40)}}"}]""");
        Assert.Contains("which is no path below a folder", await ErrorAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(Folder)!));
    }

    [Theory]
    [InlineData("{}", "another form")]
    [InlineData("""[{"type":"file","size":1}]""", "another form")]
    [InlineData("""[{"type":"file","path":"a","size":-1}]""", "without its size")]
    [InlineData("""[{"type":"file","path":"a","size":1,"lfs":{"oid":"12"}}]""", "without its sha256")]
    [InlineData("""[{"type":"file","path":"a","size":1},{"type":"file","path":"A","size":1}]""", "lists A twice")]
    [InlineData("<html>", "no JSON")]
    public async Task A_listing_in_another_form_is_refused(string listing, string reason)
    {
        Listing(listing);
        Assert.Contains(reason, await ErrorAsync());
    }

    [Fact]
    public async Task A_listing_must_not_go_on_elsewhere_or_for_ever()
    {
        var link = "<http://localhost:1/more>; rel=\"next\"";
        Hub.Trouble = async (context, target, _) =>
        {
            if (!target.Contains("/tree/", StringComparison.Ordinal))
                return false;
            context.Response.Headers.Link = link;
            await context.Response.WriteAsync("[]");
            return true;
        };
        Assert.Contains("on another server", await ErrorAsync());
        link = $"<{Hub.Address}api/models/owner/model/tree/again>; rel=next";
        Assert.Contains("without end", await ErrorAsync());
    }

    [Fact]
    public async Task Pins_decide_what_is_fetched_and_what_it_must_be()
    {
        var pins = new Dictionary<string, Pin> { [Weights] = Pinned(Content), ["README.md"] = Pinned("model"u8.ToArray()) };
        await PullAsync(options => options with { Pins = pins });
        Assert.Equal(["README.md", Weights], Fetched());
        Directory.Delete(Folder, true);

        pins["README.md"] = Pinned("other"u8.ToArray());
        Assert.Contains("README.md: its sha256 is", await ErrorAsync(options => options with { Pins = pins }));
        pins[Weights] = Pinned(new byte[Content.Length]);
        Assert.Contains("but the server lists", await ErrorAsync(options => options with { Pins = pins }));
        pins[Weights] = Pinned(new byte[5]);
        Assert.Contains("is pinned to 5 bytes", await ErrorAsync(options => options with { Pins = pins }));
        pins["missing"] = Pinned([]);
        Assert.Contains("has no file missing, which is pinned", await ErrorAsync(options => options with { Pins = pins }));
    }

    [Theory]
    [InlineData("a/b/c", "main", "http://localhost", "is no repository")]
    [InlineData("../b", "main", "http://localhost", "is no repository")]
    [InlineData("a/..", "main", "http://localhost", "is no repository")]
    [InlineData("a/b?x", "main", "http://localhost", "is no repository")]
    [InlineData("a/b", "../main", "http://localhost", "is no branch")]
    [InlineData("a/b", "", "http://localhost", "is no branch")]
    [InlineData("a/b", "main", "ftp://localhost", "no address of http")]
    [InlineData("a/b", "main", "http://user:password@localhost", "no address of http")]
    public async Task What_can_not_be_asked_for_is_refused_at_once(string repository, string revision, string endpoint, string reason)
    {
        var options = new PullOptions(repository, Folder) { Revision = revision, Endpoint = new Uri(endpoint) };
        var error = await Assert.ThrowsAsync<PullException>(() => new ModelPull(options, TimeProvider.System).RunAsync(default));
        Assert.Contains(reason, error.Message);
    }

    private static Pin Pinned(byte[] content) => new(Convert.ToHexStringLower(SHA256.HashData(content)), content.Length);

    private void Listing(string json) => Hub.Trouble = async (context, target, _) =>
    {
        if (!target.Contains("/tree/", StringComparison.Ordinal))
            return false;
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(json));
        return true;
    };
}
