using System.Text.Json;
using System.Text.Json.Nodes;

namespace VlWorker.Worker.Tests.Inference.Tokenizing;

/// <summary>A model folder of its own with the demo captioner's tokenizer files, to be changed by a test.</summary>
internal sealed class TokenizerFolder : IDisposable
{
    public TokenizerFolder()
    {
        foreach (var file in Directory.EnumerateFiles(TokenizerReference.Folder("demo-captioner")))
            File.Copy(file, System.IO.Path.Combine(Path, System.IO.Path.GetFileName(file)));
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("vlworker-tokenizer-").FullName;

    public string this[string file] => System.IO.Path.Combine(Path, file);

    /// <summary>Changes tokenizer.json as a JSON tree.</summary>
    public void Change(Action<JsonObject> change)
    {
        var json = JsonNode.Parse(File.ReadAllBytes(this["tokenizer.json"]))!.AsObject();
        change(json);
        File.WriteAllText(this["tokenizer.json"], json.ToJsonString());
    }

    /// <summary>Replaces top-level parts of tokenizer.json; the model's parts are replaced one by one.</summary>
    public void Patch(JsonElement patch) => Change(json =>
    {
        foreach (var part in patch.EnumerateObject().Where(part => part.Name != "model"))
            json[part.Name] = JsonNode.Parse(part.Value.GetRawText());
        if (!patch.TryGetProperty("model", out var model))
            return;
        foreach (var part in model.EnumerateObject())
            json["model"]![part.Name] = JsonNode.Parse(part.Value.GetRawText());
    });

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
