using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.Bench.Gpu;

/// <summary>
/// A model of a real one's size with weights made from a seed: a folder with config.json, preprocessor_config.json and map.json, where
/// <c>params</c> gives each parameter's shape, mean, standard deviation and, to check them, CRC-32. A parameter's seed is its name's CRC-32.
/// </summary>
internal sealed class SeededModel : IDisposable
{
    private readonly JsonDocument _map;

    public SeededModel(string folder)
    {
        Folder = folder;
        _map = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "map.json")));
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The exported graphs and what lies where in their data: <c>files</c> of map.json.</summary>
    public JsonElement Files => _map.RootElement.GetProperty("files");

    private JsonElement Parameters => _map.RootElement.GetProperty("params");

    /// <summary>Names of all parameters.</summary>
    public IEnumerable<string> Names => Parameters.EnumerateObject().Select(parameter => parameter.Name);

    /// <summary>A parameter's values.</summary>
    /// <exception cref="InvalidDataException">They are not those that the map was made with.</exception>
    public Tensor Read(string name)
    {
        var parameter = Parameters.GetProperty(name);
        long[] shape = [.. parameter.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        var values = new float[ElementTypes.Count(shape)];
        var seedName = parameter.TryGetProperty("seed_name", out var other) ? other.GetString()! : name;
        new NumpyNormals(Crc32.Of(Encoding.UTF8.GetBytes(seedName))).Fill(values);
        var (mean, deviation) = (parameter.GetProperty("mean").GetSingle(), parameter.GetProperty("std").GetSingle());
        for (var i = 0; i < values.Length; i++)
            values[i] = mean == 0 ? values[i] * deviation : (values[i] * deviation) + mean;
        var tensor = Tensor.FromFloats(values, shape);
        if (parameter.TryGetProperty("crc32", out var expected) && Crc32.Of(tensor.Bytes.Span) != expected.GetUInt32())
            throw new InvalidDataException($"parameter {name} differs from the one that map.json was made with");
        return tensor;
    }

    /// <summary>The model's parameters: written as a checkpoint of transformers, and read as one.</summary>
    public FamilyParameters Load()
    {
        var folder = Directory.CreateTempSubdirectory("vl-bench-checkpoint-").FullName;
        try
        {
            WriteCheckpoint(Path.Combine(folder, "model.safetensors"));
            var errors = new List<string>();
            var config = JsonFile.Read(Folder, ModelFolder.ConfigFile, errors)
                ?? throw new InvalidDataException(string.Join("; ", errors.DefaultIfEmpty($"{ModelFolder.ConfigFile} is missing")));
            var family = ModelFamily.All.First(family => family.ModelType == config.Root.GetProperty("model_type").GetString());
            return CheckpointModel.Read(folder, family, config);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    /// <summary>Writes all parameters as safetensors of 32-bit floats.</summary>
    public void WriteCheckpoint(string path)
    {
        var header = new JsonObject();
        var offsets = new List<(string Name, long Offset)>();
        var length = 0L;
        foreach (var name in Names)
        {
            long[] shape = [.. Parameters.GetProperty(name).GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            var end = length + (ElementTypes.Count(shape) * sizeof(float));
            header[name] = new JsonObject
            {
                ["dtype"] = "F32",
                ["shape"] = new JsonArray([.. shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(length, end),
            };
            offsets.Add((name, length));
            length = end;
        }

        var text = Encoding.UTF8.GetBytes(header.ToJsonString());
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.None);
        RandomAccess.Write(file, BitConverter.GetBytes((ulong)text.Length), 0);
        RandomAccess.Write(file, text, sizeof(ulong));
        Parallel.ForEach(
            offsets, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            entry => RandomAccess.Write(file, Read(entry.Name).Bytes.Span, sizeof(ulong) + text.Length + entry.Offset));
    }

    /// <inheritdoc/>
    public void Dispose() => _map.Dispose();
}
