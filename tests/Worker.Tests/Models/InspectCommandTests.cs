using System.Text.Json;
using Spectre.Console;
using VlWorker.ModelKit;
using VlWorker.Models;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Models;

public sealed class InspectCommandTests : IDisposable
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Fact]
    public void Json_holds_the_graphs_the_work_and_the_memory()
    {
        Assert.Equal(ModelExit.Good, Run(FixtureArchive.Extract("vit-gpt2-tiny"), true));
        using var json = JsonDocument.Parse(_output.ToString());
        var root = json.RootElement;
        Assert.Equal("vision-encoder-decoder", root.GetProperty("family").GetString());
        Assert.Equal("encoder_model", root.GetProperty("graphs")[1].GetProperty("name").GetString());
        Assert.True(root.GetProperty("parameters").GetInt64() > 800_000);
        Assert.True(root.GetProperty("flopsPerImage").GetInt64() > root.GetProperty("parts")[0].GetProperty("flops").GetInt64());
        Assert.Equal(1, root.GetProperty("memory")[0].GetProperty("batch").GetInt32());
    }

    [Fact]
    public void The_tables_name_graphs_parts_and_offers()
    {
        Assert.Equal(ModelExit.Good, Run(FixtureArchive.Extract("clip-tiny"), false));
        var text = _output.ToString();
        Assert.Contains("clip, checkpoint and export, fp32", text);
        Assert.Contains("text_model: onnx/text_model.onnx", text);
        Assert.Contains("in   pixel_values float [", text);
        Assert.Contains("a text of 77 tokens", text);
        Assert.Contains("Optimising for cpu in int8", text);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_an_error()
    {
        Assert.Equal(ModelExit.Unusable, Run(Path.Combine(Path.GetTempPath(), "no-such-model"), false));
        Assert.StartsWith("Error: ", _error.ToString());
    }

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    private int Run(string folder, bool json)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(_output) });
        return InspectCommand.Run(folder, ModelPrecision.Auto, 16, json, console, _output, _error);
    }
}
