using System.Reflection;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Conversion;

/// <summary>Makes an optimised model folder of a checkpoint or of exported graphs: parameters, then graphs for the target, then a folder.</summary>
internal static class ModelConverter
{
    /// <summary>This tool's name and version, as in manifests.</summary>
    public static string Tool { get; } = "vl-worker " + (Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "0");

    /// <summary>Converts a model. Until all is done, nothing is there under the output's name.</summary>
    /// <param name="source">The model.</param>
    /// <param name="options">What to make of it.</param>
    /// <param name="output">The folder to make; what is there already must be empty, or an optimised model, which is replaced.</param>
    /// <returns>The manifest.</returns>
    /// <exception cref="ModelFolderException">The model can't be read or converted; the message says why.</exception>
    /// <exception cref="IOException">The output can't be written, or something else is there.</exception>
    public static ModelManifest Convert(SourceModel source, ConversionOptions options, string output)
    {
        output = Path.TrimEndingDirectorySeparator(Path.GetFullPath(output));
        var replaced = Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any();
        if (File.Exists(output) || (replaced && !File.Exists(Path.Combine(output, ModelManifest.FileName))))
            throw new IOException($"{output} is there already and is no optimised model");
        using var partial = new PartialFolder(output);
        var manifest = Write(source, options, partial.Path);
        partial.Complete();
        return manifest;
    }

    /// <summary>Writes all files of an optimised folder.</summary>
    /// <exception cref="ModelFolderException">The model can't be read or converted.</exception>
    internal static ModelManifest Write(SourceModel source, ConversionOptions options, string folder)
    {
        try
        {
            var target = GraphTargets.Find(source.Family, options);
            var manifest = new ModelManifest(
                Tool, source.Family.Name, options.TargetName, options.PrecisionName, target.Layout,
                new ModelSource(source.Kind, source.Sha256, source.Files), [Read(source), .. source.Changes, .. target.Done(source.Family, options.Precision)],
                new Dictionary<string, string>())
            {
                Similarity = Similarity.Find(source.Path, source.Family, source.Config),
            };
            var images = PreprocessorConfig.Load(source.Path);
            return OptimizedFolder.Write(
                source.Path, folder, manifest, target.Build(
                    new GraphRequest(Fitted(source.ReadParameters(), images.Resize), images.Normalization, options.Precision, GenerationConfig.NgramSize(source.Path, source.Config))));
        }
        catch (Exception error) when (error is InvalidDataException or NotSupportedException or System.Text.Json.JsonException)
        {
            throw new ModelFolderException(source.Path, [error.Message]);
        }
    }

    // The published ones were trained with larger images than their preprocessors make.
    private static FamilyParameters Fitted(FamilyParameters parameters, ResizePlan images) =>
        parameters is Dinov2Parameters dinov2 ? new Dinov2Parameters(PositionGrid.Fit(dinov2.Vision, images)) : parameters;

    private static string Read(SourceModel source) => source.Kind == "checkpoint"
        ? "The weights were read from the checkpoint."
        : "The weights were found in the exported graphs by their structure; what was quantised was dequantised.";
}
