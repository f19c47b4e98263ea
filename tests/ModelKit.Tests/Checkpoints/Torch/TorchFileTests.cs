using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using VlWorker.Fuzzing;
using VlWorker.ModelKit.Checkpoints;

namespace VlWorker.ModelKit.Tests.Checkpoints.Torch;

public sealed class TorchFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-torch-").FullName;

    private string Model => Path.Combine(_folder, "pytorch_model.bin");

    [Fact]
    public void A_state_dict_is_read_without_Python()
    {
        File.WriteAllBytes(Model, TorchWriter.Write(
            Floats("encoder.weight", "0", [2, 3], [1, 2, 3, 4, 5, 6]),
            new("encoder.bias", "HalfStorage", "1", MemoryMarshal.AsBytes<Half>([(Half)0.5, (Half)(-2)]).ToArray(), 2, 0, [2], [1]),
            new("scale", "BFloat16Storage", "2", [0x80, 0x3F], 1, 0, [], []),
            new("position_ids", "LongStorage", "3", BitConverter.GetBytes(7L), 1, 0, [1, 1], [1, 1]),
            Floats("empty", "4", [0, 5], [])));
        using var checkpoint = Checkpoint.Open(_folder);

        Assert.Equal([Model], checkpoint.Paths);
        Assert.Equal([1, 2, 3, 4, 5, 6], checkpoint.ReadFloats("encoder.weight"));
        Assert.Equal([0.5f, -2], checkpoint.ReadFloats("encoder.bias"));
        Assert.Equal([1], checkpoint.ReadFloats("scale"));
        Assert.Empty(checkpoint.ReadFloats("empty"));
        Assert.Equal(("F16", 4), (checkpoint.Find("encoder.bias").Type, checkpoint.Find("encoder.bias").Length));
        Assert.Contains("tensor position_ids is I64", Assert.Throws<InvalidDataException>(() => checkpoint.ReadFloats("position_ids")).Message);
    }

    [Fact]
    public void Views_of_one_storage_are_what_they_show()
    {
        var storage = MemoryMarshal.AsBytes<float>([.. Enumerable.Range(0, 10).Select(static i => (float)i)]).ToArray();
        TorchTensor View(string name, int offset, int[] dims, int[] strides) => new(name, "FloatStorage", "0", storage, 10, offset, dims, strides);
        File.WriteAllBytes(Model, TorchWriter.Write(
            View("slice", 4, [3], [1]), View("transposed", 0, [3, 2], [1, 3]), View("every other", 1, [2, 2], [4, 2]), View("all", 0, [2, 1, 5], [5, 99, 1])));
        using var checkpoint = Checkpoint.Open(_folder);

        Assert.Equal([4, 5, 6], checkpoint.ReadFloats("slice"));
        Assert.Equal([0, 3, 1, 4, 2, 5], checkpoint.ReadFloats("transposed"));
        Assert.Equal([1, 3, 5, 7], checkpoint.ReadFloats("every other"));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], checkpoint.ReadFloats("all"));
    }

    [Fact]
    public void Shards_with_an_index_are_one_checkpoint_and_safetensors_go_first()
    {
        File.WriteAllBytes(Path.Combine(_folder, "pytorch_model-1.bin"), TorchWriter.Write(Floats("a", "0", [1], [1])));
        File.WriteAllBytes(Path.Combine(_folder, "pytorch_model-2.bin"), TorchWriter.Write(Floats("b", "0", [1], [2])));
        File.WriteAllText(
            Path.Combine(_folder, "pytorch_model.bin.index.json"), """{"weight_map": {"a": "pytorch_model-1.bin", "b": "pytorch_model-2.bin"}}""");
        using (var checkpoint = Checkpoint.Open(_folder))
            Assert.Equal((1f, 2f), (checkpoint.ReadFloats("a")[0], checkpoint.ReadFloats("b")[0]));
        SafetensorsWriter.Write(Path.Combine(_folder, "model.safetensors"), ("c", ModelKit.Onnx.Tensor.Scalar(3f)));
        using var safe = Checkpoint.Open(_folder);
        Assert.Equal(["c"], safe.Names);
    }

    [Theory]
    [InlineData("cos\nsystem\n(X\u0002\0\0\0lstR.", "it asks Python for os.system, which is no part of a tensor, and is refused")]
    [InlineData("cbuiltins\neval\n.", "it asks Python for builtins.eval")]
    [InlineData("ctorch._utils\n_rebuild_tensor_v2\n)R.", "in a way that torch.save does not")]
    [InlineData("X\u0007\0\0\0storageQ.", "a storage in it is not described")]
    [InlineData("(i__main__\nX\n.", "the operation 0x69, which no tensor needs")]
    [InlineData("K\u0001.", "no dictionary of tensors")]
    [InlineData("}", "its pickle ends too early")]
    [InlineData("X\u00ff\u00ff\u00ff\u007fa.", "its pickle ends too early")]
    [InlineData("ccollections", "its pickle ends too early")]
    [InlineData("t.", "its pickle is malformed")]
    [InlineData("h\u0005.", "its pickle is malformed")]
    [InlineData("}K\u0001s.", "its pickle is malformed")]
    [InlineData("(0.", "its pickle is malformed")]
    [InlineData("u.", "its pickle is malformed")]
    public void A_pickle_that_is_more_than_tensors_is_refused(string operations, string reason)
    {
        File.WriteAllBytes(Model, TorchWriter.Archive([0x80, 2, .. Encoding.Latin1.GetBytes(operations)]));
        Assert.Contains(reason, Error());
    }

    [Theory]
    [InlineData(2, 0, 3, 1, "reaches beyond its storage of 2 elements")]
    [InlineData(2, 1, 2, 1, "reaches beyond its storage of 2 elements")]
    [InlineData(2, 0, 2, 2, "reaches beyond its storage of 2 elements")]
    [InlineData(2, 0, 1000, 0, "reaches beyond its storage of 2 elements")]
    [InlineData(2, -1, 1, 1, "a tensor in it is malformed")]
    [InlineData(2, 0, -1, 1, "has a shape that is none")]
    public void A_tensor_stays_within_its_storage(int count, int offset, int size, int stride, string reason)
    {
        File.WriteAllBytes(Model, TorchWriter.Write(new TorchTensor("a", "FloatStorage", "0", new byte[8], count, offset, [size], [stride])));
        Assert.Contains(reason, Error());
    }

    [Fact]
    public void A_storage_that_lies_about_its_size_is_refused_when_it_is_read()
    {
        File.WriteAllBytes(Model, TorchWriter.Write(new TorchTensor("a", "FloatStorage", "0", new byte[8], int.MaxValue, 0, [int.MaxValue], [1])));
        using var checkpoint = Checkpoint.Open(_folder);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("its storage of 2147483647 F32 has 8 bytes", Assert.Throws<InvalidDataException>(() => checkpoint.ReadFloats("a")).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public void What_is_no_archive_of_PyTorch_says_so()
    {
        File.WriteAllText(Model, "version https://git-lfs.github.com/spec/v1");
        Assert.StartsWith($"{Model}: ", Error());
        using (var archive = new ZipArchive(File.Create(Model), ZipArchiveMode.Create))
            archive.CreateEntry("readme.txt").Open().Dispose();
        Assert.Contains("0 entries data.pkl", Error());
        using (var archive = new ZipArchive(File.Create(Model), ZipArchiveMode.Create))
        {
            using var entry = archive.CreateEntry("a/data.pkl", CompressionLevel.SmallestSize).Open();
            entry.Write(new byte[100_000]);
        }

        Assert.Contains("is compressed, as torch.save does not", Error());
    }

    public void Dispose() => Directory.Delete(_folder, true);

    private static TorchTensor Floats(string name, string key, int[] dims, float[] values)
    {
        var strides = new int[dims.Length];
        for (var (axis, stride) = (dims.Length - 1, 1); axis >= 0; stride *= Math.Max(1, dims[axis--]))
            strides[axis] = stride;
        return new TorchTensor(name, "FloatStorage", key, MemoryMarshal.AsBytes(values.AsSpan()).ToArray(), values.Length, 0, dims, strides);
    }

    private string Error() => Assert.Throws<InvalidDataException>(() => Checkpoint.Open(_folder)).Message;
}
