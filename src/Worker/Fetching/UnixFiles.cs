using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace VlWorker.Fetching;

/// <summary>Opens a file component by component, so that no link anywhere on the way is followed and nothing can be swapped in between.</summary>
[UnsupportedOSPlatform("windows")]
internal static partial class UnixFiles
{
    private static readonly Flags Os = Flags.ForThisMachine();

    /// <summary>Opens the file at <paramref name="components"/> below <paramref name="root"/> for reading; the root itself may be a link.</summary>
    /// <exception cref="UnixException">A component can't be opened.</exception>
    public static SafeFileHandle OpenBelow(string root, ReadOnlySpan<string> components)
    {
        var folder = Open(AtWorkingFolder, root, Os.Directory, component: -1);
        for (var i = 0; i < components.Length; i++)
        {
            // Without O_NONBLOCK the opening of a FIFO would wait for a writer.
            var flags = Os.NoFollow | Os.NonBlock | (i < components.Length - 1 ? Os.Directory : 0);
            using var parent = folder;
            folder = Open((int)parent.DangerousGetHandle(), components[i], flags, i);
        }

        return folder;
    }

    private static int AtWorkingFolder => OperatingSystem.IsMacOS() ? -2 : -100;

    private static SafeFileHandle Open(int parent, string name, int flags, int component)
    {
        var path = new byte[Encoding.UTF8.GetByteCount(name) + 1];
        Encoding.UTF8.GetBytes(name, path);
        var descriptor = OpenAt(parent, path, flags | Os.CloseOnExec);
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw new UnixException(Marshal.GetLastPInvokeError(), component);
    }

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int OpenAt(int directory, ReadOnlySpan<byte> path, int flags);

    /// <summary>open(2)'s flags, which differ between systems and, on Linux, between processors.</summary>
    private readonly record struct Flags(int NoFollow, int Directory, int NonBlock, int CloseOnExec)
    {
        public static Flags ForThisMachine() => (OperatingSystem.IsMacOS(), RuntimeInformation.ProcessArchitecture) switch
        {
            (true, _) => new(NoFollow: 0x100, Directory: 0x10_0000, NonBlock: 0x4, CloseOnExec: 0x100_0000),
            (false, Architecture.Arm or Architecture.Arm64 or Architecture.Ppc64le) => new(0x8000, 0x4000, 0x800, 0x8_0000),
            _ => new(0x2_0000, 0x1_0000, 0x800, 0x8_0000),
        };
    }
}

/// <summary>A failed system call.</summary>
/// <param name="errno">The system's error number.</param>
/// <param name="component">Index of the path's component it failed at; -1 for the root.</param>
internal sealed class UnixException(int errno, int component) : IOException(Marshal.GetPInvokeErrorMessage(errno))
{
    public int Errno { get; } = errno;

    public int Component { get; } = component;
}
