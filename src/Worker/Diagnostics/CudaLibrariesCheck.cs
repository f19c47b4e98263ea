using System.Globalization;
using VlWorker.Inference.Cuda.Kernels;

namespace VlWorker.Diagnostics;

/// <summary>The libraries of CUDA that ONNX Runtime's CUDA provider loads, and the compiler of our own kernels.</summary>
internal sealed class CudaLibrariesCheck : IDiagnosticCheck
{
    /// <summary>
    /// What the CUDA provider of 1.31.1 links to (readelf -d libonnxruntime_providers_cuda.so): the first four; and opens by itself: cuDNN and cuFFT.
    /// </summary>
    private static readonly CudaLibrary[] Libraries =
    [
        new("libcudart.so.13", "CUDA runtime", "cuda-cudart-13-0", library => library.CallForNumber("cudaRuntimeGetVersion") is { } number ? Thousands(number) : null),
        new("libcublas.so.13", "cuBLAS", "libcublas-13-0", library => Properties(library, "cublasGetProperty")),
        new("libcublasLt.so.13", "cuBLASLt", "libcublas-13-0", library => Properties(library, "cublasLtGetProperty")),
        new("libcurand.so.10", "cuRAND", "libcurand-13-0", library => Properties(library, "curandGetProperty")),
        new("libcufft.so.12", "cuFFT", "libcufft-13-0", library => Properties(library, "cufftGetProperty"), Required: false),
        new("libcudnn.so.9", "cuDNN", "libcudnn9-cuda-13", library => library.CallForSize("cudnnGetVersion") is { } number ? Cudnn((long)number) : null),
        new(Nvrtc.Library, "NVRTC", "cuda-nvrtc-13-0", library => library.CallForPair("nvrtcVersion") is { } version ? string.Create(CultureInfo.InvariantCulture, $"{version.First}.{version.Second}") : null),
    ];

    /// <inheritdoc/>
    public string Name => "cuda libraries";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<Finding>>([.. Libraries.Select(library => Judge(library, SharedLibrary.Load(library.File)))]);

    /// <summary>cudnnGetVersion in figures: 91400 is 9.14.0.</summary>
    public static string Cudnn(long number) => string.Create(CultureInfo.InvariantCulture, $"{number / 10_000}.{number % 10_000 / 100}.{number % 100}");

    /// <summary>cudaRuntimeGetVersion in figures: 13000 is 13.0.</summary>
    public static string Thousands(int number) => string.Create(CultureInfo.InvariantCulture, $"{number / 1000}.{number % 1000 / 10}");

    private Finding Judge(CudaLibrary library, SharedLibrary? loaded)
    {
        if (loaded is not null)
            return Finding.Ok(Name, $"{library.Title} {library.Version(loaded) ?? "of unknown version"}, {loaded.Path ?? library.File}");
        var remedy = $"Install it (NVIDIA's package repository: {library.Package}), or add its folder to LD_LIBRARY_PATH";
        return library.Required
            ? Finding.Fail(Name, $"{library.Title} ({library.File}) is not found, or a library that it needs is not", remedy)
            : Finding.Warn(Name, $"{library.Title} ({library.File}) is not found: models with Fourier transforms can't run", remedy);
    }

    private static string? Properties(SharedLibrary library, string function) =>
        library.CallForProperty(function, 0) is { } major && library.CallForProperty(function, 1) is { } minor && library.CallForProperty(function, 2) is { } patch
            ? string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}.{patch}")
            : null;

    /// <summary>A library that is looked for.</summary>
    /// <param name="File">What the loader is asked for.</param>
    /// <param name="Title">What people call it.</param>
    /// <param name="Package">The package that brings it.</param>
    /// <param name="Version">Asks it for its version.</param>
    /// <param name="Required">Whether the engine can't do without.</param>
    private sealed record CudaLibrary(string File, string Title, string Package, Func<SharedLibrary, string?> Version, bool Required = true);
}
