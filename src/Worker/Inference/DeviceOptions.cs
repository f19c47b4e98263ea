using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Inference;

/// <summary>One device of the worker; an entry of the list of devices.</summary>
internal sealed record DeviceOptions
{
    [Description("cpu, or cuda:0, cuda:1, ... for a GPU (docs/gpu.md). Of devices that are equally fast, the one that is listed first goes first.")]
    [Required]
    public string Name { get; init; } = string.Empty;

    [Description("Batches that run on it at the same time. 0: 2 on a GPU; on the processor Batching:Streams or, beside a GPU, two less than its cores.")]
    [Range(0, 256)]
    public int Streams { get; init; }

    [Description("Rows of a batch on the device at most; 0 takes Batching:MaxBatch.")]
    [Range(0, 4096)]
    public int MaxBatch { get; init; }

    [Description("Bytes of a GPU's memory that the arena of each graph may take, one for each stream and graph (gpu_mem_limit); 0 is no limit. Batches that do not fit become smaller.")]
    [Range(0L, 1L << 40)]
    public long ArenaBytes { get; init; }
}
