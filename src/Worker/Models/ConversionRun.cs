using System.Globalization;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Models;

/// <summary>One run of <c>model convert</c> or <c>model optimize</c>.</summary>
internal sealed class ConversionRun(TextWriter output, TextWriter error, TimeProvider time)
{
    /// <summary>Converts a model and says what was done.</summary>
    /// <param name="open">Opens the source.</param>
    /// <param name="options">What to make of it.</param>
    /// <param name="target">The folder to make.</param>
    /// <returns>An exit code, see <see cref="ModelExit"/>.</returns>
    public int Run(Func<SourceModel> open, ConversionOptions options, string target)
    {
        try
        {
            var started = time.GetTimestamp();
            var source = open();
            var manifest = ModelConverter.Convert(source, options, target);
            foreach (var sentence in manifest.Done)
                output.WriteLine(sentence);
            var megabytes = Size(target, manifest.Graphs.Values) / 1e6;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{Path.GetFullPath(target)}: {manifest.Family} for {manifest.Target} in {manifest.Precision}, {megabytes:0.0} MB of graphs, made in {time.GetElapsedTime(started).TotalSeconds:0.0} s"));
            return ModelExit.Good;
        }
        catch (Exception fault) when (fault is ModelFolderException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"Error: {fault.Message}");
            return ModelExit.Unusable;
        }
    }

    private static long Size(string folder, IEnumerable<string> graphs) => graphs.Select(graph => Path.Combine(folder, graph))
        .SelectMany(graph => Directory.EnumerateFiles(Path.GetDirectoryName(graph)!, Path.GetFileName(graph) + "*")).Sum(static file => new FileInfo(file).Length);
}
