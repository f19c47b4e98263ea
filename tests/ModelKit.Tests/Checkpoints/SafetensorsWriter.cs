using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Tests.Checkpoints;

/// <summary>Writes safetensors files: right ones from tensors, and wrong ones from any header.</summary>
internal static class SafetensorsWriter
{
    /// <summary>Writes tensors one after the other, in the order given.</summary>
    public static void Write(string path, params (string Name, Tensor Tensor)[] tensors)
    {
        var header = new Dictionary<string, object> { ["__metadata__"] = new Dictionary<string, string> { ["format"] = "pt" } };
        var data = new MemoryStream();
        foreach (var (name, tensor) in tensors)
        {
            var begin = data.Length;
            data.Write(tensor.Bytes.Span);
            header.Add(name, new { dtype = Name(tensor.Type), shape = tensor.Dims, data_offsets = new[] { begin, data.Length } });
        }

        WriteRaw(path, JsonSerializer.Serialize(header), data.ToArray());
    }

    /// <summary>Writes a header as it is.</summary>
    /// <param name="path">The file.</param>
    /// <param name="header">Its JSON, or what shall pass for it.</param>
    /// <param name="data">What follows.</param>
    /// <param name="length">The header's length as the file gives it; null is the true one.</param>
    public static void WriteRaw(string path, string header, byte[] data, ulong? length = null)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, length ?? (ulong)json.Length);
        File.WriteAllBytes(path, [.. prefix, .. json, .. data]);
    }

    private static string Name(ElementType type) => type switch
    {
        ElementType.Float => "F32",
        ElementType.Float16 => "F16",
        ElementType.BFloat16 => "BF16",
        ElementType.Int64 => "I64",
        _ => throw new ArgumentException($"{type} is not written here"),
    };
}
