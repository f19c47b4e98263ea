namespace VlWorker.Diagnostics;

/// <summary>The processor's instruction sets, which decide how fast models run on it.</summary>
internal sealed class ProcessorCheck : IDiagnosticCheck
{
    private const string CpuInfo = "/proc/cpuinfo";

    /// <inheritdoc/>
    public string Name => "processor";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        var features = ProcessorFeatures.Parse(File.Exists(CpuInfo) ? await File.ReadAllTextAsync(CpuInfo, cancellation) : string.Empty);
        return [Judge(features, Environment.ProcessorCount)];
    }

    /// <summary>What the features mean.</summary>
    public static Finding Judge(ProcessorFeatures features, int cores)
    {
        const string check = "processor";
        var detail = $"{(features.Model.Length > 0 ? features.Model : "of unknown model")}, {cores} cores, {(features.Named.Count > 0 ? string.Join(", ", features.Named) : "no vector instructions known here")}";
        if (!features.Flags.Contains("avx2") && !features.Flags.Contains("asimd"))
            return Finding.Warn(check, detail, "Run on a processor with AVX2: without it, decoding and models take several times as long");
        return features.HasVnni
            ? Finding.Ok(check, detail)
            : Finding.Warn(check, detail, "Nothing need be done; a processor with VNNI runs int8 models faster, on this one fp32 may be as fast");
    }
}
