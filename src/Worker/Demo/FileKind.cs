using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VlWorker.Demo;

/// <summary>Tells regular files from pipes, sockets and devices, which .NET does not: opening a pipe would wait for ever.</summary>
internal static partial class FileKind
{
    private const int CurrentDirectory = -100;
    private const uint TypeMask = 1;
    private const int LinuxModeOffset = 28;
    private const int MacModeOffset = 4;
    private const int FormatBits = 0xF000;
    private const int Regular = 0x8000;

    /// <summary>Whether the path, links followed, is something else than a regular file. What can't be looked at is not.</summary>
    public static bool IsSpecial(string path)
    {
        // struct statx of the Linux kernel and struct stat of macOS are both shorter than this.
        var status = new byte[512];
        if (OperatingSystem.IsLinux())
            return Statx(CurrentDirectory, path, 0, TypeMask, status) == 0 && IsSpecial(status, LinuxModeOffset);
        if (!OperatingSystem.IsMacOS())
            return false;
        var result = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? StatX64(path, status) : Stat(path, status);
        return result == 0 && IsSpecial(status, MacModeOffset);
    }

    private static bool IsSpecial(byte[] status, int offset) =>
        (BinaryPrimitives.ReadUInt16LittleEndian(status.AsSpan(offset)) & FormatBits) != Regular;

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int directory, string path, int flags, uint mask, [Out] byte[] status);

    [LibraryImport("libc", EntryPoint = "stat", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Stat(string path, [Out] byte[] status);

    [LibraryImport("libc", EntryPoint = "stat$INODE64", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int StatX64(string path, [Out] byte[] status);
}
