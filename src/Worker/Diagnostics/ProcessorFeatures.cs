namespace VlWorker.Diagnostics;

/// <summary>What /proc/cpuinfo says of the processor.</summary>
/// <param name="Model">The maker's name for it; empty if it does not say.</param>
/// <param name="Flags">The instruction sets, as the kernel calls them.</param>
internal sealed record ProcessorFeatures(string Model, IReadOnlySet<string> Flags)
{
    /// <summary>Whether products of 8-bit integers have instructions of their own.</summary>
    public bool HasVnni => Flags.Contains("avx512_vnni") || Flags.Contains("avx_vnni") || Flags.Contains("amx_int8") || Flags.Contains("asimddp");

    /// <summary>The instruction sets that matter here, as people call them.</summary>
    public IReadOnlyList<string> Named =>
    [
        .. new (string Flag, string Name)[]
        {
            ("avx2", "AVX2"), ("avx512f", "AVX-512"), ("avx512_vnni", "AVX-512 VNNI"), ("avx_vnni", "AVX VNNI"), ("avx512_bf16", "AVX-512 BF16"),
            ("amx_int8", "AMX int8"), ("asimddp", "dot product"), ("i8mm", "int8 matrix"),
        }.Where(entry => Flags.Contains(entry.Flag)).Select(entry => entry.Name),
    ];

    /// <summary>Reads the text of /proc/cpuinfo; of several processors the first counts.</summary>
    public static ProcessorFeatures Parse(string cpuinfo)
    {
        var (model, flags) = (string.Empty, new HashSet<string>(StringComparer.Ordinal));
        foreach (var line in cpuinfo.Split('\n'))
        {
            var parts = line.Split(':', 2, StringSplitOptions.TrimEntries);
            if (parts.Length != 2)
                continue;
            if (parts[0] == "model name" && model.Length == 0)
                model = parts[1];
            if (parts[0] is "flags" or "Features" && flags.Count == 0)
                flags = [.. parts[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        }

        return new ProcessorFeatures(model, flags);
    }
}
