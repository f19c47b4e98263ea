using VlWorker.ModelKit.Checkpoints;

namespace VlWorker.ModelKit.Tests.Checkpoints;

public sealed class SafetensorsHeaderTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   """, 8)]
    [InlineData("""{"a":{"shape":[],"dtype":"I64","data_offsets":[0,8]},"__metadata__":{"x":"y"}}""", 8)]
    [InlineData("""{"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]},"a":{"dtype":"F4","shape":[8],"data_offsets":[0,4]}}""", 8)]
    [InlineData("""{"b":{"dtype":"U8","shape":[0,3],"data_offsets":[0,0]},"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}""", 8)]
    [InlineData("{}", 0)]
    public void What_the_format_allows_is_read(string header, int bytes)
    {
        SafetensorsWriter.WriteRaw(_path, header, new byte[bytes]);
        using var file = SafetensorsFile.Open(_path);
        Assert.Equal(bytes, file.Tensors.Sum(static tensor => tensor.Length));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "tensor a: it ends after the file: the file is cut off")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "1 bytes at its end belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "tensor a: 4 bytes before it belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", 8, "tensor b: it overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "tensor a: 8 bytes are not F32 [3]")]
    [InlineData("""{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}""", 2, "tensor a: 2 bytes are not F4 [3]")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "shape holds -2, which is no size")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, "shape holds 2.5, which is no size")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,8]}}""", 8, "too many elements")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "data_offsets is not a begin and an end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}}""", 8, "data_offsets is not a begin and an end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}""", 8, "data_offsets is not a begin and an end")]
    [InlineData("""{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", 8, "shape is no list")]
    [InlineData("""{"a":{"dtype":"X9","shape":[2],"data_offsets":[0,8]}}""", 8, "X9 is no element type")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "its entry is not dtype, shape and data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}}""", 8, "its entry is not dtype, shape and data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "not the JSON")]
    [InlineData("""{"\udc00":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "not the JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[[[[2]]]]],"data_offsets":[0,8]}}""", 8, "not the JSON")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "no object of texts")]
    [InlineData("[]", 0, "no JSON object")]
    [InlineData("""{"a":""", 0, "not the JSON")]
    public void What_breaks_a_rule_says_which(string header, int bytes, string reason)
    {
        SafetensorsWriter.WriteRaw(_path, header, new byte[bytes]);
        Assert.Contains(reason, Error());
    }

    [Theory]
    [InlineData(0UL, "its header has 0 bytes")]
    [InlineData(3UL, "ends after 10: it is cut off")]
    [InlineData(100_000_001UL, "more than 100000000")]
    [InlineData(ulong.MaxValue, "more than 100000000")]
    public void The_header_has_to_fit_into_the_file(ulong length, string reason)
    {
        SafetensorsWriter.WriteRaw(_path, "{}", [], length);
        Assert.Contains(reason, Error());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void A_file_shorter_than_its_first_field_says_so(int bytes)
    {
        File.WriteAllBytes(_path, new byte[bytes]);
        Assert.Contains($"it has {bytes} bytes: it is no safetensors file", Error());
    }

    public void Dispose() => File.Delete(_path);

    private string Error()
    {
        var message = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(_path)).Message;
        Assert.StartsWith(_path, message);
        return message;
    }
}
