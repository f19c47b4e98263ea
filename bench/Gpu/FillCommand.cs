using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace VlWorker.Bench.Gpu;

/// <summary>Makes the weights of a model of a real one's size: writes the exported graphs' data files.</summary>
internal static class FillCommand
{
    private static readonly Argument<DirectoryInfo> Skeleton = new("skeleton") { Description = "Folder with graphs without data, config.json and map.json." };
    private static readonly Argument<DirectoryInfo> Out = new("out") { Description = "Folder for the model; the graphs go to onnx/." };
    private static readonly Option<string[]> Only = new("--only") { Description = "Graphs to fill; by default all.", AllowMultipleArgumentsPerToken = true };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("fill", "Makes a full-size model of random weights, the same as Python's, from a folder of graphs without data.") { Skeleton, Out, Only };
        command.SetAction(result => Run(result.GetRequiredValue(Skeleton).FullName, result.GetRequiredValue(Out).FullName, result.GetValue(Only) ?? []));
        return command;
    }

    private static int Run(string skeleton, string target, string[] only)
    {
        var started = Stopwatch.GetTimestamp();
        using var model = new SeededModel(skeleton);
        Directory.CreateDirectory(Path.Combine(target, "onnx"));
        var graphs = model.Files.EnumerateObject().Where(file => only.Length == 0 || only.Contains(file.Name)).ToList();
        foreach (var file in Directory.EnumerateFiles(skeleton).Where(file => !file.EndsWith(".onnx", StringComparison.Ordinal) && Path.GetFileName(file) != "map.json"))
            Copy(file, Path.Combine(target, Path.GetFileName(file)));
        foreach (var graph in graphs)
            Copy(Path.Combine(skeleton, graph.Name), Path.Combine(target, "onnx", graph.Name));
        var written = graphs.Sum(graph => Fill(model, graph.Value, Path.Combine(target, "onnx")));
        Console.WriteLine(FormattableString.Invariant($"{written / 1e6:0} MB in {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s"));
        return 0;
    }

    private static long Fill(SeededModel model, JsonElement graph, string folder)
    {
        using var data = new FileStream(Path.Combine(folder, graph.GetProperty("data").GetString()!), FileMode.Create, FileAccess.Write, FileShare.None);
        data.SetLength(graph.GetProperty("size").GetInt64());
        var initializers = graph.GetProperty("initializers").EnumerateArray().ToList();
        Parallel.ForEach(initializers, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, initializer =>
        {
            var tensor = model.Read(initializer.GetProperty("param").GetString()!);
            var bytes = tensor.Bytes;
            if (initializer.GetProperty("transpose").GetBoolean())
            {
                var matrix = new ModelKit.Parameters.Matrix((int)tensor.Dims[0], (int)tensor.Dims[1], tensor.ToFloats()).Transpose();
                bytes = MemoryMarshal.AsBytes(matrix.Values.AsSpan()).ToArray();
            }

            RandomAccess.Write(data.SafeFileHandle, bytes.Span, initializer.GetProperty("offset").GetInt64());
        });
        return graph.GetProperty("size").GetInt64();
    }

    // What is copied may be read-only; its copy is not.
    private static void Copy(string from, string to) => File.WriteAllBytes(to, File.ReadAllBytes(from));
}
