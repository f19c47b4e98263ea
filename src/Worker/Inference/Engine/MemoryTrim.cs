using System.Runtime.InteropServices;

namespace VlWorker.Inference.Engine;

/// <summary>Gives memory back to the system that the processor's models hold from larger batches than there are now.</summary>
/// <remarks>
/// ONNX Runtime's arenas keep what they once took. They give it back at the end of a run that asks for it, so each session's next run does. The arenas
/// of a GPU are left alone: recorded graphs go on using addresses in them.
/// </remarks>
internal static partial class MemoryTrim
{
    private static int _requests;

    /// <summary>How often it was asked for; a session shrinks its arena when this has grown since its last run.</summary>
    public static int Requests => Volatile.Read(ref _requests);

    /// <summary>Shrinks the arenas, then the heaps. Takes as long as a row of each kind takes on each model.</summary>
    /// <returns>Bytes by which resident memory has fallen.</returns>
    public static long Run(IReadOnlyList<IModel> models, CancellationToken cancellation)
    {
        var before = Environment.WorkingSet;
        Interlocked.Increment(ref _requests);
        foreach (var model in models.Where(static model => model.IsLoaded))
        {
            using var rows = new SampleRows(model);
            foreach (var row in rows.All)
                model.Run([row], cancellation);
        }

        Heaps();
        return Math.Max(0, before - Environment.WorkingSet);
    }

    /// <summary>Gives back to the system what is free of both heaps. All managed threads stand still meanwhile, for some tens of milliseconds.</summary>
    public static void Heaps()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        Native();
    }

    private static void Native()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = Trim(0);
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException)
        {
            // musl gives memory back by itself.
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint keep);
}
