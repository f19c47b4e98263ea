using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Onnx;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.ModelKit.Tests.Onnx;

public sealed class OnnxFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-onnx-").FullName;

    private string Model => Path.Combine(_folder, "model.onnx");

    private string Data => Path.Combine(_folder, "model.onnx_data");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_saved_is_loaded_again_and_runs(bool externalData)
    {
        var model = MatMul(out var weight);
        OnnxFile.Save(model, Model, externalData);

        Assert.Equal(externalData, File.Exists(Data));
        var loaded = OnnxFile.Load(Model);
        Assert.True(loaded.Initializer("weight")!.ContentEquals(weight));
        Assert.Equal(model.Proto, loaded.Proto);
        Assert.Equal(Expected(weight), Run(Model));
        Assert.Equal([Path.GetFileName(Model), .. externalData ? [Path.GetFileName(Data)] : Array.Empty<string>()], Files());
    }

    [Fact]
    public void External_data_is_aligned_and_short_tensors_stay_inside()
    {
        OnnxFile.Save(MatMul(out _), Model, externalData: true);
        var proto = ModelProto.Parser.ParseFrom(File.ReadAllBytes(Model));
        var (weight, second) = (Initializer(proto, "weight"), Initializer(proto, "second"));

        Assert.Equal(("model.onnx_data", "0", "4000"), (Entry(weight, "location"), Entry(weight, "offset"), Entry(weight, "length")));
        Assert.Equal(("4096", "4000"), (Entry(second, "offset"), Entry(second, "length")));
        Assert.False(weight.HasRawData);
        Assert.Equal(8, Initializer(proto, "shape").RawData.Length);
        Assert.Equal(4096 + 4000, new FileInfo(Data).Length);
    }

    [Fact]
    public void Saving_again_replaces_both_files()
    {
        OnnxFile.Save(MatMul(out var weight), Model, externalData: true);
        OnnxFile.Save(OnnxFile.Load(Model), Model, externalData: true);
        Assert.True(OnnxFile.Load(Model).Initializer("weight")!.ContentEquals(weight));
        OnnxFile.Save(OnnxFile.Load(Model), Model);
        Assert.Equal(["model.onnx"], Files());
        Assert.Equal(Expected(weight), Run(Model));
    }

    [Fact]
    public void Tied_weights_are_stored_once_and_stay_tied()
    {
        var graph = new GraphBuilder();
        var tensor = Tensor.FromFloats(new float[1000], [1000]);
        graph.Constant(tensor, "one");
        var model = graph.Build();
        var other = model.Graph.Initializer[0].Clone();
        other.Name = "other";
        model.Graph.Initializer.Add(other);
        OnnxFile.Save(model, Model, externalData: true);

        Assert.Equal(4000, new FileInfo(Data).Length);
        var loaded = OnnxFile.Load(Model).Graph.Initializer;
        Assert.Same(loaded[0].RawData, loaded[1].RawData);
    }

    [Fact]
    public void Data_in_another_file_can_be_left_there()
    {
        OnnxFile.Save(MatMul(out _), Model, externalData: true);
        var model = OnnxFile.Load(Model, externalData: false);

        Assert.Equal([1000, 1], Initializer(model.Proto, "weight").Dims);
        Assert.Contains("which was not read", Assert.Throws<InvalidDataException>(() => model.Initializer("weight")).Message);
        Assert.Throws<InvalidOperationException>(() => OnnxFile.Save(model, Model));
        Assert.Equal(["model.onnx", "model.onnx_data"], Files());
    }

    [Theory]
    [InlineData("vit-gpt2-tiny")]
    [InlineData("clip-tiny")]
    public void Exported_models_are_the_same_after_a_round_trip(string fixture)
    {
        var paths = Directory.GetFiles(Path.Combine(FixtureArchive.Extract(fixture), "onnx"), "*.onnx");
        foreach (var path in paths)
        {
            var model = OnnxFile.Load(path);
            OnnxFile.Save(model, Model);
            Assert.Equal(ModelProto.Parser.ParseFrom(File.ReadAllBytes(path)), ModelProto.Parser.ParseFrom(File.ReadAllBytes(Model)));
            OnnxFile.Save(model, Model, externalData: true);
            Assert.Equal(model.Proto, OnnxFile.Load(Model).Proto);
        }

        using var session = new InferenceSession(Model);
        Assert.Equal(OnnxFile.Load(paths[^1]).Graph.Output.Select(output => output.Name), session.OutputNames);
    }

    /// <summary>Three times 900 MB; the data is one array in memory and mostly holes on the disk.</summary>
    [Fact]
    [Trait("Category", "Full")]
    public void A_model_of_more_than_2_GB_is_saved_run_and_loaded()
    {
        const int Length = 900_000_000;
        var bytes = new byte[Length];
        bytes[^1] = 42;
        var graph = new GraphBuilder();
        var input = graph.Input("x", ElementType.Int64, 1);
        var picked = Enumerable.Range(0, 3)
            .Select(i => graph.Node("Gather", [graph.Constant(new Tensor(ElementType.UInt8, [Length], bytes), $"weight{i}"), input])).ToArray();
        graph.Output(graph.Node("Concat", picked, ("axis", 0)), "y", ElementType.UInt8, 3);
        var model = graph.Build();
        Assert.Throws<InvalidOperationException>(model.ToBytes);
        OnnxFile.Save(model, Model);

        Assert.InRange(new FileInfo(Data).Length, 3L * Length, (3L * Length) + (3 * 4096));
        using (var options = new SessionOptions { GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL })
        using (var session = new InferenceSession(Model, options))
        using (var x = OrtValue.CreateTensorValueFromMemory(new long[] { Length - 1 }, [1]))
        using (var run = new RunOptions())
        using (var outputs = session.Run(run, ["x"], [x], ["y"]))
            Assert.Equal([42, 42, 42], outputs[0].GetTensorDataAsSpan<byte>().ToArray());
        var loaded = OnnxFile.Load(Model);
        Assert.All(loaded.Graph.Initializer, initializer => Assert.Equal(42, initializer.RawData[Length - 1]));
    }

    public void Dispose() => Directory.Delete(_folder, true);

    private static OnnxModel MatMul(out Tensor weight)
    {
        weight = Tensor.FromFloats([.. Enumerable.Range(0, 1000).Select(i => (float)(i % 7))], [1000, 1]);
        var graph = new GraphBuilder();
        var input = graph.Input("x", ElementType.Float, 1, 1000);
        var product = graph.Node("MatMul", [input, graph.Constant(weight, "weight")]);
        var second = graph.Constant(Tensor.FromFloats(new float[1000], [1000]), "second");
        var sum = graph.Node("ReduceSum", [graph.Node("Add", [product, second])], ("keepdims", 0));
        graph.Output(graph.Node("Reshape", [sum, graph.Constant(Tensor.FromInt64([1], [1]), "shape")]), "y", ElementType.Float, 1);
        return graph.Build();
    }

    private static float[] Expected(Tensor weight) => [1000 * weight.ToFloats().Sum()];

    private static float[] Run(string path)
    {
        using var session = new InferenceSession(path);
        using var x = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(1f, 1000).ToArray(), [1, 1000]);
        using var options = new RunOptions();
        using var outputs = session.Run(options, ["x"], [x], ["y"]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    private static TensorProto Initializer(ModelProto proto, string name) => proto.Graph.Initializer.Single(tensor => tensor.Name == name);

    private static string? Entry(TensorProto tensor, string key) => tensor.ExternalData.SingleOrDefault(entry => entry.Key == key)?.Value;

    private IEnumerable<string> Files() => Directory.EnumerateFiles(_folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
}
