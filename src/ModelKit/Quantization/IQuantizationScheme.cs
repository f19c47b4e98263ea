using VlWorker.ModelKit.Onnx;

namespace VlWorker.ModelKit.Quantization;

/// <summary>A way to store weights as integers.</summary>
internal interface IQuantizationScheme
{
    /// <summary>Whether it needs ONNX Runtime's own operators.</summary>
    bool NeedsMicrosoftOperators { get; }

    /// <summary>The least version of ONNX's operators that it needs.</summary>
    int LeastOpset { get; }

    /// <summary>Puts nodes in the place of one. The output keeps its name.</summary>
    /// <param name="site">The node and its weight, which has no <see cref="WeightSite.Obstacle"/>.</param>
    /// <param name="emitter">Takes the nodes.</param>
    void Rewrite(WeightSite site, NodeEmitter emitter);
}
