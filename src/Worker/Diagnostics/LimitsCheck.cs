using System.Globalization;
using VlWorker.Hosting;

namespace VlWorker.Diagnostics;

/// <summary>What the process may use at most: open files, memory, processors.</summary>
internal sealed class LimitsCheck(WorkerOptions options) : IDiagnosticCheck
{
    private const string Limits = "/proc/self/limits";

    /// <summary>Files of the runtime, its libraries, models, the broker's connections and the HTTP side.</summary>
    private const int FilesBeside = 192;

    /// <summary>What a worker holds besides its budgets and its models: runtime, code, ONNX Runtime's arenas (bench/results/memory.md).</summary>
    private const long MemoryBeside = 512L << 20;

    /// <inheritdoc/>
    public string Name => "limits";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        var files = OpenFiles(File.Exists(Limits) ? await File.ReadAllTextAsync(Limits, cancellation) : string.Empty);
        return
        [
            files is { } limit ? JudgeFiles(limit, options.Fetching.Connections) : Finding.Ok(Name, "the system does not tell how many files may be open"),
            JudgeMemory(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, options.Fetching.BytesInFlight + options.Decoding.PixelBudgetBytes),
            Finding.Ok(Name, $"{Environment.ProcessorCount} processors may be used"),
        ];
    }

    /// <summary>The soft limit of open files in the text of /proc/self/limits; null if it is not there, the largest number for unlimited.</summary>
    public static long? OpenFiles(string limits) => limits.Split('\n').FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal))
        ?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is { Length: >= 4 } fields
        ? fields[3] == "unlimited" ? long.MaxValue : long.Parse(fields[3], CultureInfo.InvariantCulture)
        : null;

    /// <summary>What the limit of open files means.</summary>
    public static Finding JudgeFiles(long limit, int connections)
    {
        const string check = "limits";
        var detail = limit == long.MaxValue ? "any number of files may be open" : string.Create(CultureInfo.InvariantCulture, $"{limit} files may be open");
        return limit < connections + FilesBeside
            ? Finding.Fail(
                check,
                $"{detail}: Fetching:Connections alone may open {connections}",
                "Raise it (ulimit -n, LimitNOFILE of systemd, --ulimit nofile of Docker), or lower Fetching:Connections")
            : Finding.Ok(check, detail);
    }

    /// <summary>What the memory that the process may use means.</summary>
    /// <param name="available">Bytes: of the machine, or of the control group where that is less.</param>
    /// <param name="budgets">Bytes of encoded images and pixels in flight.</param>
    public static Finding JudgeMemory(long available, long budgets)
    {
        const string check = "limits";
        var detail = string.Create(CultureInfo.InvariantCulture, $"{available / 1e9:0.0} GB of memory may be used");
        return available < budgets + MemoryBeside
            ? Finding.Warn(
                check,
                string.Create(CultureInfo.InvariantCulture, $"{detail}: the budgets of images alone are {budgets / 1e9:0.0} GB"),
                "Raise the memory limit, or lower Fetching:BytesInFlight and Decoding:PixelBudgetBytes")
            : Finding.Ok(check, detail);
    }
}
