using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Microsoft.ML.OnnxRuntime;
using VlWorker.Contracts;
using VlWorker.Inference.OnDemand;
using VlWorker.Inference.Optimizing;
using VlWorker.ModelKit;

namespace VlWorker.Inference;

/// <summary>One model of the worker and how it runs; an entry of the list of models.</summary>
internal sealed record ModelOptions
{
    [Description("The name that requests and results call the model by.")]
    [Required]
    public string Alias { get; init; } = string.Empty;

    [Description("The model's folder, as the Hub ships it: config.json, preprocessor_config.json, tokenizer.json and onnx/*.onnx.")]
    [Required]
    public string Folder { get; init; } = string.Empty;

    [Description("Which graphs to run: Fp32, Quantized (suffix _quantized), Fp16 (_fp16), Q8 (_q8) or Q4 (_q4); Auto takes the first of these that is there in full.")]
    public ModelPrecision Precision { get; init; } = ModelPrecision.Auto;

    [Description("Auto: at the first start the graphs are rebuilt for the device into Inference:ModelCache and compared with the export, which runs where they differ. Off: the graphs run as they were exported.")]
    public OptimizeChoice Optimize { get; init; } = OptimizeChoice.Auto;

    [Description("AtStart: it is loaded before the worker takes work, and stays. OnDemand: it is tried at the start, then loaded by the first request for it, and unloaded when others need its memory (ModelMemoryBytes) or after ModelIdle.")]
    public ModelLoad Load { get; init; } = ModelLoad.AtStart;

    [Description("Requests for it in the worker's hands at most, so that those for other models find room in the prefetch while it is slow or being loaded; further messages wait in vl.retry.5s without an attempt counted, REST answers 429. 0: no limit.")]
    [Range(0, 10_000)]
    public int MaxInFlight { get; init; }

    [Description("The devices that run it, by their names in Inference:Devices; empty: all. An alias may have several entries, for different devices.")]
    public IReadOnlyList<string> Devices { get; init; } = [];

    [Description("Lets an alias have different files on different devices, int8 and fp16 for example: its results then depend a little on the device.")]
    public bool AllowMixedRevisions { get; init; }

    [Description("What a model that answers questions is asked where a caption is wanted and the request has no prompt.")]
    [Required]
    public string CaptionPrompt { get; init; } = "Can you describe this image?";

    [Description("Whether images are cut into tiles, by models that can do either (docs/families.md): Auto does what preprocessor_config.json says. Off is many times faster and sees less.")]
    public ImageSplitting ImageSplitting { get; init; } = ImageSplitting.Auto;

    [Description("Images that a request may be about (moreImages), by models whose prompt takes several (docs/families.md); others look at one. Each takes its share of the context and of the time.")]
    [Range(1, RequestLimits.Images)]
    public int MaxImages { get; init; } = 4;

    [Description("Threads inside one run of a graph. 1, with a stream for each core, gives the most images a second; more shorten the wait for a single image.")]
    [Range(1, 256)]
    public int IntraOpThreads { get; init; } = 1;

    /// <summary>Sees what goes into each run of the model's graphs; null where nobody looks. Not a setting.</summary>
    internal GraphWatch? Watch { get; init; }
}

/// <summary>Sees what goes into a run of a graph, before it runs. The values are the caller's memory, which the next run may change.</summary>
/// <param name="file">The graph's file, without its folder.</param>
/// <param name="names">The inputs' names.</param>
/// <param name="values">Their values.</param>
internal delegate void GraphWatch(string file, IReadOnlyList<string> names, IReadOnlyList<OrtValue> values);
