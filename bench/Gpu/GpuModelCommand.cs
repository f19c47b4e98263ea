using System.CommandLine;

namespace VlWorker.Bench.Gpu;

/// <summary>Writes a full-size captioner of random weights as a folder for CUDA, for the commands that take a model folder.</summary>
internal static class GpuModelCommand
{
    private static readonly Argument<DirectoryInfo> Source = new("source") { Description = "Folder with config.json, preprocessor_config.json and map.json." };
    private static readonly Argument<DirectoryInfo> Target = new("target") { Description = "Folder to write." };
    private static readonly Option<bool> Processor = new("--cpu") { Description = "For the processor, in 8-bit integers, to run beside a GPU." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("gpu-model", "Writes a full-size captioner of random weights as a folder for CUDA.") { Source, Target, Processor };
        command.SetAction(result => GpuWorkerFolder.WriteModel(
            result.GetRequiredValue(Source).FullName, result.GetRequiredValue(Target).FullName, result.GetValue(Processor)));
        return command;
    }
}
