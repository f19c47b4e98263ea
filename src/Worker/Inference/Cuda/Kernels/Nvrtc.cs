using System.Runtime.InteropServices;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>CUDA's compiler as a library (nvrtc.h), which cuDNN needs as well.</summary>
internal static unsafe partial class Nvrtc
{
    /// <summary>Its file.</summary>
    public const string Library = "libnvrtc.so.13";

    /// <summary>Compiles a source for one kind of GPU.</summary>
    /// <param name="source">CUDA C++.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="options">The compiler's.</param>
    /// <returns>Machine code, a cubin.</returns>
    /// <exception cref="InvalidOperationException">It does not compile, or the library is missing.</exception>
    public static byte[] Compile(string source, string name, IReadOnlyList<string> options)
    {
        nint program = 0;
        try
        {
            Check(Create(out program, source, name, 0, null, null), $"reading {name}");
            var texts = options.Select(static option => Marshal.StringToCoTaskMemUTF8(option)).ToArray();
            try
            {
                if (Run(program, texts.Length, texts) != 0)
                    throw new InvalidOperationException($"{name} does not compile: {Log(program)}");
            }
            finally
            {
                Array.ForEach(texts, Marshal.FreeCoTaskMem);
            }

            Check(CodeSize(program, out var size), $"compiling {name}");
            var code = new byte[(int)size];
            fixed (byte* first = code)
                Check(Code(program, first), $"compiling {name}");
            return code;
        }
        catch (DllNotFoundException missing)
        {
            throw new InvalidOperationException($"{Library} is missing: it compiles the kernels of the optimised graphs (Debian and Ubuntu: cuda-nvrtc-13-0)", missing);
        }
        finally
        {
            if (program != 0)
                _ = Destroy(ref program);
        }
    }

    private static string Log(nint program)
    {
        if (LogSize(program, out var size) != 0 || size == 0)
            return "no reason given";
        var text = new byte[(int)size];
        fixed (byte* first = text)
            return LogText(program, first) == 0 ? System.Text.Encoding.UTF8.GetString(text).TrimEnd('\0', '\n') : "no reason given";
    }

    private static void Check(int result, string what)
    {
        if (result != 0)
            throw new InvalidOperationException($"{what}: NVRTC error {result}");
    }

    [LibraryImport(Library, EntryPoint = "nvrtcCreateProgram", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Create(out nint program, string source, string name, int headers, nint[]? texts, nint[]? names);

    [LibraryImport(Library, EntryPoint = "nvrtcCompileProgram")]
    private static partial int Run(nint program, int count, nint[] options);

    [LibraryImport(Library, EntryPoint = "nvrtcGetCUBINSize")]
    private static partial int CodeSize(nint program, out nuint size);

    [LibraryImport(Library, EntryPoint = "nvrtcGetCUBIN")]
    private static partial int Code(nint program, byte* code);

    [LibraryImport(Library, EntryPoint = "nvrtcGetProgramLogSize")]
    private static partial int LogSize(nint program, out nuint size);

    [LibraryImport(Library, EntryPoint = "nvrtcGetProgramLog")]
    private static partial int LogText(nint program, byte* text);

    [LibraryImport(Library, EntryPoint = "nvrtcDestroyProgram")]
    private static partial int Destroy(ref nint program);
}
