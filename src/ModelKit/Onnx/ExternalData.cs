using System.Globalization;
using Google.Protobuf;
using Microsoft.Win32.SafeHandles;

namespace VlWorker.ModelKit.Onnx;

/// <summary>Reads tensors whose data lies in files beside the model.</summary>
internal static class ExternalData
{
    private sealed record Reference(TensorProto Tensor, string Path, long Offset, int Length);

    /// <summary>Checks where the data of a model lies.</summary>
    /// <param name="modelPath">The model's file; data lies in its folder or below, whatever the model says.</param>
    /// <param name="tensors">The model's tensors.</param>
    /// <param name="read">Whether to read it into the tensors too.</param>
    /// <exception cref="InvalidDataException">A reference leads out of the folder or beyond a file's end, or two overlap.</exception>
    public static void Resolve(string modelPath, IEnumerable<TensorProto> tensors, bool read)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(modelPath))!;
        var references = tensors.Where(static tensor => tensor.DataLocation == TensorProto.Types.DataLocation.External)
            .Select(tensor => Describe(tensor, folder)).ToList();
        foreach (var file in references.GroupBy(static reference => reference.Path, StringComparer.Ordinal))
        {
            using var handle = Open(file.Key, file.First().Tensor);
            var ordered = file.OrderBy(static reference => reference.Offset).ThenBy(static reference => reference.Length).ToList();
            CheckPlaces(ordered, RandomAccess.GetLength(handle));
            if (read)
                Read(ordered, handle);
        }
    }

    private static Reference Describe(TensorProto tensor, string folder)
    {
        var location = Entry(tensor, "location") ?? throw Wrong(tensor, "it is in another file, but no location says which");
        if (location.Length == 0 || Path.IsPathRooted(location) || location.AsSpan().IndexOfAny("\\:\0") >= 0
            || location.Split('/').Any(static part => part is "" or "." or ".."))
            throw Wrong(tensor, $"its location {TensorField.Printable(location)} is no path below the model's folder");
        var length = ((ElementType)tensor.DataType).ByteLength([.. tensor.Dims]);
        if (length > Array.MaxLength)
            throw Wrong(tensor, $"it has {length} bytes; a tensor of more than {Array.MaxLength} can't be read");
        if (Number(tensor, "length") is { } given && given != length)
            throw Wrong(tensor, $"{given} bytes of its file are not a tensor of {(ElementType)tensor.DataType} [{string.Join(", ", tensor.Dims)}]");
        return new Reference(tensor, Path.Combine(folder, location), Number(tensor, "offset") ?? 0, (int)length);
    }

    private static SafeFileHandle Open(string path, TensorProto tensor)
    {
        try
        {
            return File.OpenHandle(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            throw Wrong(tensor, $"its data can't be read: {error.Message}");
        }
    }

    /// <summary>Data of two tensors is the same (tied weights) or apart; so what is read is never more than the files.</summary>
    private static void CheckPlaces(List<Reference> ordered, long fileLength)
    {
        for (var i = 0; i < ordered.Count; i++)
        {
            var (tensor, path, offset, length) = ordered[i];
            if (offset > fileLength || length > fileLength - offset)
                throw Wrong(tensor, $"its data ends at byte {(decimal)offset + length}, but {path} has {fileLength}");
            if (i > 0 && ordered[i - 1] is var previous && (previous.Offset, previous.Length) != (offset, length)
                && previous.Offset + previous.Length > offset)
                throw Wrong(tensor, $"its data overlaps that of tensor {TensorField.Printable(previous.Tensor.Name)} in {path}");
        }
    }

    private static void Read(List<Reference> ordered, SafeFileHandle file)
    {
        var (last, data) = ((Offset: -1L, Length: 0), ByteString.Empty);
        foreach (var (tensor, path, offset, length) in ordered)
        {
            if (last != (offset, length))
                data = Read(file, offset, length) ?? throw Wrong(tensor, $"{path} was cut while it was read");
            last = (offset, length);
            tensor.RawData = data;
            tensor.ExternalData.Clear();
            tensor.ClearDataLocation();
        }
    }

    private static ByteString? Read(SafeFileHandle file, long offset, int length)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(length);
        for (int done = 0, part; done < length; done += part)
        {
            if ((part = RandomAccess.Read(file, bytes.AsSpan(done), offset + done)) == 0)
                return null;
        }

        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    private static string? Entry(TensorProto tensor, string key) => tensor.ExternalData.FirstOrDefault(entry => entry.Key == key)?.Value;

    private static long? Number(TensorProto tensor, string key)
    {
        if (Entry(tensor, key) is not { } text)
            return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Wrong(tensor, $"its {key} {TensorField.Printable(text)} is no number");
    }

    private static InvalidDataException Wrong(TensorProto tensor, string what) => new($"tensor {TensorField.Printable(tensor.Name)}: {what}");
}
