using System.Globalization;
using VlWorker.Hosting;
using VlWorker.Inference;
using VlWorker.Inference.Optimizing;
using VlWorker.ModelKit;

namespace VlWorker.Diagnostics;

/// <summary>The models' folders: complete, and with which hash.</summary>
internal sealed class ModelsCheck(InferenceOptions options) : IDiagnosticCheck
{
    private const string Remedy = "Correct Inference:Models, or fetch the model again: a folder needs config.json, preprocessor_config.json, tokenizer.json and onnx/*.onnx";

    /// <inheritdoc/>
    public string Name => "model";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation) =>
        Task.Run<IReadOnlyList<Finding>>(() => [.. options.Models.Select(model => Look(model, cancellation))], cancellation);

    private Finding Look(ModelOptions model, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            var folder = ModelFolder.Open(ResourcePath.Resolve(model.Folder), model.Precision);
            var bytes = folder.Files.Sum(file => file.Bytes);
            var made = folder.Manifest is { } manifest ? $"optimised for {manifest.Target}"
                : model.Optimize == OptimizeChoice.Off ? "runs as it is" : "optimised at the first load, under a revision of its own";
            return Finding.Ok(Name, string.Create(
                CultureInfo.InvariantCulture,
                $"{model.Alias}: {folder.Family.Name}, {folder.Precision.ToString().ToLowerInvariant()}, {bytes / 1e6:0.0} MB in {folder.Files.Count} files, ")
                + $"revision {folder.ComputeRevision()}, {made}");
        }
        catch (Exception error) when (error is ModelFolderException or IOException or UnauthorizedAccessException)
        {
            return Finding.Fail(Name, $"{model.Alias}: {error.Message}", Remedy);
        }
    }
}
