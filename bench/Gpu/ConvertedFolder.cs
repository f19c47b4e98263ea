using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Bench.Gpu;

/// <summary>A model's folder, converted for a device here and now.</summary>
internal static class ConvertedFolder
{
    /// <summary>Converts a folder, from its checkpoint or else its export; returns where to. Replaces what was converted before.</summary>
    public static string Make(string folder, DeviceKind device, ConversionPrecision precision)
    {
        var target = Path.Combine(Path.GetTempPath(), $"vl-bench-{Path.GetFileName(folder)}-{precision}");
        var source = File.Exists(Path.Combine(folder, "model.safetensors"))
            ? SourceModel.OpenCheckpoint(folder) : SourceModel.OpenExport(folder, ModelPrecision.Fp32);
        ModelConverter.Convert(source, new ConversionOptions(device == DeviceKind.Cuda ? ConversionTarget.Cuda : ConversionTarget.Cpu, precision), target);
        return target;
    }

    /// <summary>Converts a folder and loads it, to run on one stream.</summary>
    public static IModel Load(string folder, DeviceName device, ConversionPrecision precision, int maxBatch)
    {
        var opened = ModelFolder.Open(Make(folder, device.Kind, precision));
        var reference = new ModelReference { Alias = Path.GetFileName(folder), Revision = opened.ComputeRevision() };
        return ModelLoader.Load(reference, opened, new ModelOptions(), new DeviceSpec(device, 1, maxBatch));
    }
}
