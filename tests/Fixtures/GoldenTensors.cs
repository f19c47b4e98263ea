using System.Runtime.InteropServices;
using System.Text.Json;

namespace VlWorker.Worker.Tests.Fixtures;

/// <summary>A tensor of a golden file: its shape and its values in row-major order.</summary>
internal sealed record GoldenTensor(int[] Shape, float[] Values);

/// <summary>Reads the float32 tensors of a small safetensors file, such as a fixture's golden/golden.safetensors.</summary>
internal static class GoldenTensors
{
    /// <summary>All tensors by name.</summary>
    /// <exception cref="InvalidDataException">A tensor is not float32.</exception>
    public static IReadOnlyDictionary<string, GoldenTensor> Read(string path)
    {
        var file = File.ReadAllBytes(path);
        var dataStart = 8 + (int)BitConverter.ToUInt64(file);
        using var header = JsonDocument.Parse(file.AsMemory(8, dataStart - 8));
        var tensors = new Dictionary<string, GoldenTensor>(StringComparer.Ordinal);
        foreach (var entry in header.RootElement.EnumerateObject().Where(entry => entry.Name != "__metadata__"))
        {
            if (entry.Value.GetProperty("dtype").GetString() != "F32")
                throw new InvalidDataException($"{path}: {entry.Name} is not float32");
            var offsets = entry.Value.GetProperty("data_offsets");
            var (from, to) = (offsets[0].GetInt32(), offsets[1].GetInt32());
            var values = MemoryMarshal.Cast<byte, float>(file.AsSpan(dataStart + from, to - from)).ToArray();
            var shape = entry.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32()).ToArray();
            tensors.Add(entry.Name, new GoldenTensor(shape, values));
        }

        return tensors;
    }
}
