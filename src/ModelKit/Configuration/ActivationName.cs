using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Configuration;

/// <summary>Transformers' names of activations, after ACT2FN of transformers 4.57.</summary>
internal static class ActivationName
{
    /// <summary>The activation that a config names.</summary>
    /// <exception cref="NotSupportedException">It names one that has no kernel here.</exception>
    public static Activation Read(ConfigSection config, string name, string fallback) => config.Word(name, fallback) switch
    {
        "gelu" or "gelu_python" => Activation.Gelu,
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => Activation.GeluTanh,
        "quick_gelu" => Activation.QuickGelu,
        "relu" => Activation.Relu,
        var other => throw new NotSupportedException(
            $"the activation {other} ({name} in config.json) is none of gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, quick_gelu, relu"),
    };
}
