using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VlWorker.Integration.Infrastructure;

/// <summary>Reads a file that another process has locked, as any tool but .NET's own file classes would.</summary>
public static partial class UnlockedFile
{
    /// <summary>All bytes; what is being written at the same time may be old or new.</summary>
    public static byte[] Read(string path)
    {
        using var handle = new SafeFileHandle(Open(path, 0), ownsHandle: true);
        if (handle.IsInvalid)
            throw new IOException($"{path} can't be opened");
        var bytes = new byte[RandomAccess.GetLength(handle)];
        return bytes[..RandomAccess.Read(handle, bytes, 0)];
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
