using System.Text.Json;
using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Onnx;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.ModelKit.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-checkpoint-").FullName;

    [Theory]
    [InlineData(ElementType.Float, "F32")]
    [InlineData(ElementType.Float16, "F16")]
    [InlineData(ElementType.BFloat16, "BF16")]
    internal void Weights_are_read_from_every_float_type(ElementType type, string name)
    {
        SafetensorsWriter.Write(
            File("model.safetensors"),
            ("scalar", Tensor.Scalar(-0.5f, type)),
            ("vit.weight", Tensor.FromFloats([1, 2, 3, 4, 5, 6.5f], [2, 3], type)),
            ("empty", Tensor.FromFloats([], [0, 4], type)));
        using var checkpoint = Checkpoint.Open(_folder);

        Assert.Equal(["empty", "scalar", "vit.weight"], checkpoint.Names.Order());
        Assert.Equal([1, 2, 3, 4, 5, 6.5f], checkpoint.ReadFloats("vit.weight"));
        Assert.Equal([-0.5f], checkpoint.ReadFloats("scalar"));
        Assert.Empty(checkpoint.ReadFloats("empty"));
        Assert.Equal([2, 3], checkpoint.Find("vit.weight").Dims);
        Assert.Equal(name, checkpoint.Find("vit.weight").Type);
        Assert.True(checkpoint.Has("scalar"));
        Assert.False(checkpoint.TryFind("other", out _));
        Assert.Contains("no tensor other", Assert.Throws<InvalidDataException>(() => checkpoint.ReadFloats("other")).Message);
    }

    [Fact]
    public void A_tensor_longer_than_a_chunk_is_read_in_full()
    {
        var values = Enumerable.Range(0, 600_001).Select(static i => (float)(i % 2048)).ToArray();
        SafetensorsWriter.Write(File("model.safetensors"), ("before", Tensor.Scalar(1L)), ("long", Tensor.FromFloats(values, [values.Length], ElementType.Float16)));
        using var checkpoint = Checkpoint.Open(_folder);
        Assert.Equal(values, checkpoint.ReadFloats("long"));
    }

    [Fact]
    public void Types_that_are_no_weights_are_listed_and_refused_when_read()
    {
        SafetensorsWriter.Write(File("model.safetensors"), ("position_ids", Tensor.FromInt64([0, 1, 2], [1, 3])));
        using var checkpoint = Checkpoint.Open(_folder);
        Assert.Equal("I64", Assert.Single(checkpoint.Tensors).Type);
        var error = Assert.Throws<InvalidDataException>(() => checkpoint.ReadFloats("position_ids"));
        Assert.Contains("model.safetensors: tensor position_ids is I64; weights are read from F32, F16 and BF16", error.Message);
    }

    [Fact]
    public void A_file_of_the_reference_implementation_is_read_as_it_is()
    {
        var file = Path.Combine(FixtureArchive.Extract("clip-tiny"), "golden", "golden.safetensors");
        System.IO.File.Copy(file, File("model.safetensors"));
        var golden = GoldenTensors.Read(file);
        using var checkpoint = Checkpoint.Open(_folder);

        Assert.Equal(golden.Keys.Order(), checkpoint.Names.Order());
        foreach (var (name, tensor) in golden)
        {
            Assert.Equal(tensor.Shape.Select(static size => (long)size), checkpoint.Find(name).Dims);
            Assert.Equal(tensor.Values, checkpoint.ReadFloats(name));
        }
    }

    [Fact]
    public void Shards_are_one_checkpoint()
    {
        SafetensorsWriter.Write(File("model-00001-of-00002.safetensors"), ("a", Tensor.Scalar(1f)), ("unused", Tensor.Scalar(9f)));
        SafetensorsWriter.Write(File("model-00002-of-00002.safetensors"), ("b", Tensor.Scalar(2f)));
        Index(("a", "model-00001-of-00002.safetensors"), ("b", "model-00002-of-00002.safetensors"));
        using var checkpoint = Checkpoint.Open(_folder);

        Assert.Equal((1f, 2f), (checkpoint.ReadFloats("a")[0], checkpoint.ReadFloats("b")[0]));
        Assert.False(checkpoint.Has("unused"));
        Assert.Equal(
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"],
            checkpoint.Paths.Select(path => Path.GetRelativePath(_folder, path)));
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("/etc/model.safetensors")]
    [InlineData("sub/model.safetensors")]
    [InlineData("..\\model.safetensors")]
    [InlineData("C:model.safetensors")]
    [InlineData("model.bin")]
    [InlineData(".safetensors")]
    [InlineData("")]
    public void A_shard_lies_in_the_same_folder(string shard)
    {
        Index(("a", shard));
        Assert.Contains("index.json: tensor a: ", Assert.Throws<InvalidDataException>(() => Checkpoint.Open(_folder)).Message);
    }

    [Fact]
    public void What_an_index_names_has_to_be_there()
    {
        Index(("a", "model-1.safetensors"));
        Assert.Contains("model-1.safetensors: model.safetensors.index.json names it, but it is missing", Error());
        SafetensorsWriter.Write(File("model-1.safetensors"), ("b", Tensor.Scalar(1f)));
        Assert.Contains("says that tensor a is in it, but it is not", Error());
    }

    [Theory]
    [InlineData("[]", "no weight_map")]
    [InlineData("""{"weight_map": {"a": 1}}""", "1 is no name")]
    [InlineData("""{"weight_map": {"a": "m.safetensors", "a": "n.safetensors"}}""", "index.json: ")]
    [InlineData("""{"weight_map": {"\ud800": "m.safetensors"}}""", "index.json: ")]
    [InlineData("{", "index.json: ")]
    public void A_malformed_index_says_why(string index, string reason)
    {
        System.IO.File.WriteAllText(File("model.safetensors.index.json"), index);
        Assert.Contains(reason, Error());
    }

    [Fact]
    public void A_folder_without_a_checkpoint_says_what_it_looked_for() =>
        Assert.Contains("neither model.safetensors nor", Assert.Throws<FileNotFoundException>(() => Checkpoint.Open(_folder)).Message);

    [Fact]
    public void A_file_that_is_cut_after_it_was_opened_says_so()
    {
        SafetensorsWriter.Write(File("model.safetensors"), ("a", Tensor.FromFloats([1, 2, 3], [3])));
        using var checkpoint = Checkpoint.Open(_folder);
        using (var file = new FileStream(File("model.safetensors"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(file.Length - 4);
        Assert.Contains("ends within tensor a", Assert.Throws<InvalidDataException>(() => checkpoint.ReadFloats("a")).Message);
    }

    [Fact]
    public void A_checkpoint_may_pass_2_GB()
    {
        // Almost all of it is a hole: it takes no room on the disk.
        const long Before = 3L << 30;
        SafetensorsWriter.WriteRaw(
            File("model.safetensors"),
            $$"""{"hole":{"dtype":"U8","shape":[{{Before}}],"data_offsets":[0,{{Before}}]},"w":{"dtype":"F32","shape":[1],"data_offsets":[{{Before}},{{Before + 4}}]} }""",
            []);
        using (var file = System.IO.File.OpenWrite(File("model.safetensors")))
        {
            file.Position = file.Length + Before;
            file.Write(BitConverter.GetBytes(42f));
        }

        using var checkpoint = Checkpoint.Open(_folder);
        Assert.Equal([42], checkpoint.ReadFloats("w"));
        Assert.Equal(Before, checkpoint.Find("hole").Count);
    }

    public void Dispose() => Directory.Delete(_folder, true);

    private string Error() => Assert.Throws<InvalidDataException>(() => Checkpoint.Open(_folder)).Message;

    private string File(string name) => Path.Combine(_folder, name);

    private void Index(params (string Name, string Shard)[] entries) => System.IO.File.WriteAllText(
        File("model.safetensors.index.json"),
        JsonSerializer.Serialize(new { metadata = new { total_size = 8 }, weight_map = entries.ToDictionary(entry => entry.Name, entry => entry.Shard) }));
}
