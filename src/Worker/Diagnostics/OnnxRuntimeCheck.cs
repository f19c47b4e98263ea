using System.Reflection;
using Microsoft.ML.OnnxRuntime;
using VlWorker.Inference;

namespace VlWorker.Diagnostics;

/// <summary>Which build of ONNX Runtime this is, and whether its parts are of one version.</summary>
/// <param name="gpu">Whether it has to run on GPUs.</param>
internal sealed class OnnxRuntimeCheck(bool gpu) : IDiagnosticCheck
{
    /// <inheritdoc/>
    public string Name => "onnxruntime";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        var managed = typeof(InferenceSession).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? typeof(InferenceSession).Assembly.GetName().Version?.ToString() ?? string.Empty;
        return Task.FromResult(Judge(OrtEnv.Instance().GetVersionString(), managed, OrtEnv.Instance().GetAvailableProviders(), gpu));
    }

    /// <summary>What versions and providers mean.</summary>
    /// <param name="core">The native library's version.</param>
    /// <param name="managed">The managed assembly's version; may have more parts, or build data behind it.</param>
    /// <param name="providers">The providers that the native library was built with.</param>
    /// <param name="gpu">Whether it has to run on GPUs.</param>
    public static IReadOnlyList<Finding> Judge(string core, string managed, IReadOnlyCollection<string> providers, bool gpu)
    {
        const string check = "onnxruntime";
        var cuda = providers.Contains(CudaDevice.Provider);
        var version = managed.StartsWith(core, StringComparison.Ordinal) && !managed.AsSpan(core.Length).StartsWith("0", StringComparison.Ordinal)
            ? Finding.Ok(check, $"version {core}, core and managed assembly alike")
            : Finding.Fail(
                check, $"the core is version {core}, the managed assembly {managed}", "Build both from one version: Directory.Packages.props names it; remove a stray libonnxruntime.so");
        var build = $"build for {(cuda ? "GPUs" : "processors only")}, providers {string.Join(", ", providers)}";
        return [version, cuda || !gpu ? Finding.Ok(check, build) : Finding.Fail(check, build, "Build with -p:Gpu=true, which takes the package Microsoft.ML.OnnxRuntime.Gpu (docs/gpu.md)")];
    }
}
