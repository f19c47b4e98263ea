using Microsoft.ML.OnnxRuntime;
using SkiaSharp;

namespace VlWorker.Diagnostics;

/// <summary>The native libraries that come with the worker load.</summary>
internal sealed class NativeLibrariesCheck : IDiagnosticCheck
{
    private const string Remedy = "Publish for this system (dotnet publish -r linux-x64); on a slim image install glibc's and libstdc++'s packages";

    /// <inheritdoc/>
    public string Name => "native libraries";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation) => Task.FromResult<IReadOnlyList<Finding>>(
    [
        Load("Skia", () => SkiaSharpVersion.Native.ToString()),
        Load("ONNX Runtime", () => OrtEnv.Instance().GetVersionString()),
    ]);

    private Finding Load(string library, Func<string> version)
    {
        try
        {
            return Finding.Ok(Name, $"{library} {version()}");
        }
        catch (Exception error) when (error is DllNotFoundException or TypeInitializationException or EntryPointNotFoundException or BadImageFormatException)
        {
            return Finding.Fail(Name, $"{library} does not load: {(error.InnerException ?? error).Message}", Remedy);
        }
    }
}
