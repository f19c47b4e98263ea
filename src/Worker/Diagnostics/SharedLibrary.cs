using System.Runtime.InteropServices;

namespace VlWorker.Diagnostics;

/// <summary>A shared library of the system, loaded to look at it. Stays loaded: the engine would load it next.</summary>
internal sealed class SharedLibrary
{
    private const string Maps = "/proc/self/maps";
    private readonly nint _handle;

    private SharedLibrary(string name, nint handle, string? path) => (Name, _handle, Path) = (name, handle, path);

    /// <summary>The name it was asked for by.</summary>
    public string Name { get; }

    /// <summary>Where the loader found it; null if the system does not tell.</summary>
    public string? Path { get; }

    /// <summary>Loads a library as the engine's own loader would: LD_LIBRARY_PATH, then the system's folders.</summary>
    /// <returns>Null if it is not there, or can't be loaded.</returns>
    public static SharedLibrary? Load(string name) => NativeLibrary.TryLoad(name, out var handle)
        ? new SharedLibrary(name, handle, File.Exists(Maps) ? Find(name, File.ReadAllText(Maps)) : null)
        : null;

    /// <summary>Calls a function that takes nothing and returns a size.</summary>
    /// <returns>Null if the library has no such function.</returns>
    public unsafe nuint? CallForSize(string function) =>
        NativeLibrary.TryGetExport(_handle, function, out var address) ? ((delegate* unmanaged<nuint>)address)() : null;

    /// <summary>Calls a function that writes a whole number and returns 0.</summary>
    /// <returns>Null if the library has no such function, or the function failed.</returns>
    public unsafe int? CallForNumber(string function)
    {
        int value;
        return NativeLibrary.TryGetExport(_handle, function, out var address) && ((delegate* unmanaged<int*, int>)address)(&value) == 0 ? value : null;
    }

    /// <summary>Calls a function that writes two whole numbers and returns 0.</summary>
    /// <returns>Null if the library has no such function, or the function failed.</returns>
    public unsafe (int First, int Second)? CallForPair(string function)
    {
        int first, second;
        return NativeLibrary.TryGetExport(_handle, function, out var address) && ((delegate* unmanaged<int*, int*, int>)address)(&first, &second) == 0
            ? (first, second) : null;
    }

    /// <summary>Calls a function that takes the number of a property and writes its value, and returns 0.</summary>
    public unsafe int? CallForProperty(string function, int property)
    {
        int value;
        return NativeLibrary.TryGetExport(_handle, function, out var address) && ((delegate* unmanaged<int, int*, int>)address)(property, &value) == 0 ? value : null;
    }

    /// <summary>The path of a loaded library in the text of /proc/self/maps. Files carry their full versions: libcudnn.so.9 is libcudnn.so.9.14.0.</summary>
    public static string? Find(string name, string maps)
    {
        foreach (var line in maps.Split('\n'))
        {
            // Five fields, then the path, which may hold blanks.
            var path = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries) is { Length: 6 } fields ? fields[5].Trim() : string.Empty;
            var file = path[(path.LastIndexOf('/') + 1)..];
            if (path.StartsWith('/') && (file == name || file.StartsWith(name + ".", StringComparison.Ordinal)))
                return path;
        }

        // Some libraries' files are named by the full version in place of the number of the interface: libcuda.so.1 is libcuda.so.580.159.04.
        var plain = name[..(name.IndexOf(".so", StringComparison.Ordinal) + 3)];
        return name == plain ? null : Find(plain, maps);
    }
}
