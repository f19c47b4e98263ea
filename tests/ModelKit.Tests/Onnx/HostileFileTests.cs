using Google.Protobuf;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Tests.Onnx;

/// <summary>Files that are damaged, or made to hurt who reads them.</summary>
public sealed class HostileFileTests : IDisposable
{
    private const string Below = "is no path below the model's folder";

    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-hostile-").FullName;

    private string Model => Path.Combine(_folder, "model.onnx");

    [Theory]
    [InlineData("", "it is empty")]
    [InlineData("<!DOCTYPE html><html></html>", "this is no ONNX file")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "this is no ONNX file")]
    public void What_is_no_ONNX_file_says_so(string content, string reason)
    {
        File.WriteAllText(Model, content);
        Assert.Contains(reason, Error());
    }

    [Fact]
    public void A_file_that_is_cut_says_so_wherever_it_is_cut()
    {
        var graph = new GraphBuilder();
        graph.Output(graph.Node("Relu", [graph.Input("x", ElementType.Float, 1)]), "y", ElementType.Float, 1);
        graph.Constant(Tensor.FromFloats([1, 2, 3], [3]));
        var bytes = graph.Build().ToBytes();
        for (var length = 1; length < bytes.Length; length++)
        {
            File.WriteAllBytes(Model, bytes[..length]);

            // A cut between two fields of the model leaves a message that is whole: what is missing then is the graph or what follows it.
            if (Record.Exception(() => OnnxFile.Load(Model)) is { } error)
                Assert.Contains("model.onnx: ", Assert.IsType<InvalidDataException>(error).Message);
            else
                Assert.NotEmpty(ModelProto.Parser.ParseFrom(bytes[..length]).Graph.Node);
        }
    }

    [Theory]
    [InlineData("/etc/passwd", Below)]
    [InlineData("../data", Below)]
    [InlineData("a/../../data", Below)]
    [InlineData("./data", Below)]
    [InlineData("a//data", Below)]
    [InlineData("a\\data", Below)]
    [InlineData("C:data", Below)]
    [InlineData("da\0ta", Below)]
    [InlineData("", Below)]
    [InlineData("missing", "its data can't be read")]
    [InlineData("folder", "its data can't be read")]
    [InlineData(null, "no location says which")]
    public void External_data_stays_below_the_model(string? location, string reason)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "folder"));
        Save(External("w", 2, location, null, null));
        Assert.Contains($"tensor w: ", Error());
        Assert.Contains(reason, Error());
    }

    [Theory]
    [InlineData("0", "8", null)]
    [InlineData(null, null, null)]
    [InlineData("4", "8", null)]
    [InlineData("9", "8", "its data ends at byte 17, but")]
    [InlineData("9223372036854775807", "8", "its data ends at byte 9223372036854775815, but")]
    [InlineData("0", "4", "4 bytes of its file are not a tensor of Float [2]")]
    [InlineData("-4", "8", "its offset -4 is no number")]
    [InlineData("0x0", "8", "its offset 0x0 is no number")]
    [InlineData("0", "99999999999999999999", "is no number")]
    public void External_data_stays_within_its_file(string? offset, string? length, string? reason)
    {
        File.WriteAllBytes(Path.Combine(_folder, "data"), new byte[16]);
        Save(External("w", 2, "data", offset, length));
        if (reason is null)
            Assert.Equal([0, 0], OnnxFile.Load(Model).Initializer("w")!.ToFloats());
        else
            Assert.Contains(reason, Error());
    }

    [Fact]
    public void A_file_can_not_be_read_many_times_over()
    {
        File.WriteAllBytes(Path.Combine(_folder, "data"), new byte[16]);
        Save(External("v", 3, "data", "0", null), External("w", 3, "data", "4", null));
        Assert.Contains("tensor w: its data overlaps that of tensor v", Error());
    }

    [Fact]
    public void A_tensor_larger_than_an_array_is_refused_before_it_is_read()
    {
        Save(External("w", 1L << 33, "data", null, null));
        Assert.Contains("can't be read", Error());
        Save(External("w", 1L << 62, "data", null, null));
        Assert.Contains("too many elements", Error());
    }

    [Theory]
    [InlineData(20, true)]
    [InlineData(40, false)]
    [InlineData(3000, false)]
    public void Graphs_nest_so_deep_and_no_deeper(int depth, bool allowed)
    {
        // Built from the inside out, in bytes: the classes would overflow the stack themselves.
        byte[] graph = [];
        for (var i = 0; i < depth; i++)
            graph = Field(1, Field(5, Field(6, graph)));
        File.WriteAllBytes(Model, Field(7, graph));
        if (allowed)
            Assert.Single(OnnxFile.Load(Model).Graph.Node);
        else
            Assert.Contains("nest more than 100 deep", Error());
    }

    [Fact]
    public void Types_inside_types_have_the_same_limit()
    {
        byte[] type = [];
        for (var i = 0; i < 1000; i++)
            type = Field(4, Field(1, type));
        File.WriteAllBytes(Model, Field(7, Field(11, Field(2, type))));
        Assert.Contains("nest more than 100 deep", Error());
    }

    [Fact]
    public void Millions_of_empty_nodes_are_refused_before_they_cost_memory()
    {
        var nodes = new byte[3 * MessageScan.MostParts];
        for (var i = 0; i < nodes.Length; i += 2)
            nodes[i] = (1 << 3) | 2;
        File.WriteAllBytes(Model, Field(7, nodes));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("more than 2000000 parts", Error());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, nodes.Length + 1_000_000);
    }

    [Fact]
    public void A_field_can_not_ask_for_more_memory_than_the_file_has()
    {
        // raw_data of a tensor that claims 2 GB.
        byte[] claim = [(9 << 3) | 2, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 1, 2, 3];
        File.WriteAllBytes(Model, Field(7, Field(5, claim)));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("a field of TensorProto at byte 4 has 2147483647 bytes, more than are left", Error());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public void Tensors_inside_nodes_are_checked_too()
    {
        var model = new ModelProto { Graph = new() };
        model.Graph.Node.Add(new NodeProto { OpType = "Constant", Attribute = { new AttributeProto { Name = "value", T = new() { Name = "t", DataType = 1, Dims = { 5 } } } } });
        File.WriteAllBytes(Model, model.ToByteArray());
        Assert.Contains("tensor t: Float [5] asks for 5 entries of data, not 0", Error());
    }

    public void Dispose() => Directory.Delete(_folder, true);

    private static byte[] Field(int number, byte[] content)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(number, WireFormat.WireType.LengthDelimited);
            output.WriteLength(content.Length);
        }

        stream.Write(content);
        return stream.ToArray();
    }

    private static TensorProto External(string name, long elements, string? location, string? offset, string? length)
    {
        var tensor = new TensorProto { Name = name, DataType = 1, Dims = { elements }, DataLocation = TensorProto.Types.DataLocation.External };
        foreach (var (key, value) in new[] { ("location", location), ("offset", offset), ("length", length) }.Where(entry => entry.Item2 is not null))
            tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
        return tensor;
    }

    private void Save(params TensorProto[] tensors) => File.WriteAllBytes(Model, new ModelProto { Graph = new() { Initializer = { tensors } } }.ToByteArray());

    private string Error()
    {
        var message = Assert.Throws<InvalidDataException>(() => OnnxFile.Load(Model)).Message;
        Assert.StartsWith($"{Model}: ", message);
        return message;
    }
}
