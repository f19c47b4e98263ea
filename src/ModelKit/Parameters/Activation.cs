namespace VlWorker.ModelKit.Parameters;

/// <summary>Non-linearity between the two linear layers of a block.</summary>
internal enum Activation
{
    /// <summary>x * Phi(x) by the error function: transformers' <c>gelu</c>.</summary>
    Gelu,

    /// <summary>GELU by tanh(sqrt(2/pi) * (x + 0.044715 * x^3)): <c>gelu_new</c>, <c>gelu_pytorch_tanh</c>, <c>gelu_fast</c>.</summary>
    GeluTanh,

    /// <summary>x * sigmoid(1.702 * x): <c>quick_gelu</c>.</summary>
    QuickGelu,

    /// <summary>max(x, 0): <c>relu</c>.</summary>
    Relu,
}
