using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>An operator of our own on a GPU, as ONNX Runtime calls it. Lives as long as the process.</summary>
/// <param name="Name">Its name in graphs.</param>
/// <param name="Inputs">Types of its inputs.</param>
/// <param name="Outputs">Types of its outputs.</param>
/// <param name="Make">Makes the kernel of a node.</param>
internal sealed unsafe record FusedOperator(string Name, IReadOnlyList<TensorType> Inputs, IReadOnlyList<TensorType> Outputs, Func<NodeAttributes, FusedKernel> Make)
{
    private const string CudaProvider = "CUDAExecutionProvider";

    private static readonly nint Provider = Marshal.StringToCoTaskMemUTF8(CudaProvider);

    /// <summary>Lays out the OrtCustomOp that stands for it.</summary>
    public nint Describe()
    {
        var described = (Description*)NativeMemory.AllocZeroed((nuint)sizeof(Description));
        *described = new Description
        {
            Version = OrtFunctions.Version,
            GetName = &NameOf,
            GetProvider = &ProviderOf,
            GetInputType = &InputType,
            GetInputCount = &InputCount,
            GetOutputType = &OutputType,
            GetOutputCount = &OutputCount,
            Destroy = &Destroy,
            GetInputCharacteristic = &Required,
            GetOutputCharacteristic = &Required,
            GetInputMemory = &DefaultMemory,
            GetVariadicInputs = &One,
            GetInputsHomogeneous = &One,
            GetVariadicOutputs = &One,
            GetOutputsHomogeneous = &One,
            Create = &Create,
            Compute = &Compute,
            Handle = GCHandle.ToIntPtr(GCHandle.Alloc(this)),
            NameText = Marshal.StringToCoTaskMemUTF8(Name),
        };
        return (nint)described;
    }

    private static FusedOperator Of(Description* described) => (FusedOperator)GCHandle.FromIntPtr(described->Handle).Target!;

    [UnmanagedCallersOnly]
    private static nint NameOf(Description* described) => described->NameText;

    [UnmanagedCallersOnly]
    private static nint ProviderOf(Description* described) => Provider;

    [UnmanagedCallersOnly]
    private static int InputType(Description* described, nuint index) => (int)Of(described).Inputs[(int)index];

    [UnmanagedCallersOnly]
    private static nuint InputCount(Description* described) => (nuint)Of(described).Inputs.Count;

    [UnmanagedCallersOnly]
    private static int OutputType(Description* described, nuint index) => (int)Of(described).Outputs[(int)index];

    [UnmanagedCallersOnly]
    private static nuint OutputCount(Description* described) => (nuint)Of(described).Outputs.Count;

    [UnmanagedCallersOnly]
    private static int Required(Description* described, nuint index) => 0;

    [UnmanagedCallersOnly]
    private static int DefaultMemory(Description* described, nuint index) => 0;

    [UnmanagedCallersOnly]
    private static int One(Description* described) => 1;

    [UnmanagedCallersOnly]
    private static nint Create(Description* described, nint api, nint info, nint* kernel)
    {
        try
        {
            *kernel = GCHandle.ToIntPtr(GCHandle.Alloc(Of(described).Make(new NodeAttributes(info))));
            return 0;
        }
        catch (Exception error)
        {
            return OrtFunctions.Failed(error.Message);
        }
    }

    [UnmanagedCallersOnly]
    private static nint Compute(nint kernel, nint context)
    {
        try
        {
            ((FusedKernel)GCHandle.FromIntPtr(kernel).Target!).Compute(new RunContext(context));
            return 0;
        }
        catch (Exception error)
        {
            return OrtFunctions.Failed(error.Message);
        }
    }

    [UnmanagedCallersOnly]
    private static void Destroy(nint kernel)
    {
        var handle = GCHandle.FromIntPtr(kernel);
        ((FusedKernel)handle.Target!).Dispose();
        handle.Free();
    }

    // OrtCustomOp of onnxruntime_c_api.h; what comes after it is ours. Functions that are null are not asked for at this version.
    [StructLayout(LayoutKind.Sequential)]
    private struct Description
    {
        public uint Version;
        public nint CreateWithoutStatus;
        public delegate* unmanaged<Description*, nint> GetName;
        public delegate* unmanaged<Description*, nint> GetProvider;
        public delegate* unmanaged<Description*, nuint, int> GetInputType;
        public delegate* unmanaged<Description*, nuint> GetInputCount;
        public delegate* unmanaged<Description*, nuint, int> GetOutputType;
        public delegate* unmanaged<Description*, nuint> GetOutputCount;
        public nint ComputeWithoutStatus;
        public delegate* unmanaged<nint, void> Destroy;
        public delegate* unmanaged<Description*, nuint, int> GetInputCharacteristic;
        public delegate* unmanaged<Description*, nuint, int> GetOutputCharacteristic;
        public delegate* unmanaged<Description*, nuint, int> GetInputMemory;
        public delegate* unmanaged<Description*, int> GetVariadicInputs;
        public delegate* unmanaged<Description*, int> GetInputsHomogeneous;
        public delegate* unmanaged<Description*, int> GetVariadicOutputs;
        public delegate* unmanaged<Description*, int> GetOutputsHomogeneous;
        public delegate* unmanaged<Description*, nint, nint, nint*, nint> Create;
        public delegate* unmanaged<nint, nint, nint> Compute;
        public nint InferShapes;
        public nint GetStartVersion;
        public nint GetEndVersion;
        public InlineFunctions Later;
        public nint Handle;
        public nint NameText;
    }

    // In-place and alias maps.
    [InlineArray(4)]
    private struct InlineFunctions
    {
        private nint _first;
    }
}

/// <summary>Types of tensors, by their numbers in onnxruntime_c_api.h.</summary>
internal enum TensorType
{
    /// <summary>32 bits.</summary>
    Float = 1,

    /// <summary>32 bits.</summary>
    Int32 = 6,

    /// <summary>64 bits.</summary>
    Int64 = 7,

    /// <summary>16 bits.</summary>
    Float16 = 10,
}

/// <summary>A node's attributes.</summary>
internal readonly struct NodeAttributes(nint info)
{
    /// <summary>An integer.</summary>
    public int Integer(string name) => checked((int)OrtFunctions.Integer(info, name));

    /// <summary>A float.</summary>
    public float Float(string name) => OrtFunctions.Float(info, name);

    /// <summary>The provider's own product of 16-bit matrices.</summary>
    public nint Product() => OrtFunctions.CreateOperation(info, "MatMul", 13, TensorType.Float16, 2);
}

/// <summary>What a node gets for a run.</summary>
internal readonly struct RunContext(nint context)
{
    /// <summary>Where the kernels go.</summary>
    public nint Stream => OrtFunctions.Stream(context);

    /// <summary>An input's values, on the GPU.</summary>
    public nint Input(int index) => OrtFunctions.Data(OrtFunctions.Input(context, index));

    /// <summary>An input's dimensions.</summary>
    public long[] Shape(int index) => OrtFunctions.Shape(OrtFunctions.Input(context, index));

    /// <summary>Memory for an output's values, on the GPU.</summary>
    public nint Output(int index, ReadOnlySpan<long> dims) => OrtFunctions.Data(OrtFunctions.Output(context, index, dims));

    /// <summary>Runs an operator of the provider's on this node's first inputs, to its first output.</summary>
    public void Invoke(nint operation, int inputs, ReadOnlySpan<long> dims)
    {
        var values = new nint[inputs];
        for (var i = 0; i < inputs; i++)
            values[i] = OrtFunctions.Input(context, i);
        OrtFunctions.Invoke(context, operation, values, OrtFunctions.Output(context, 0, dims));
    }
}

/// <summary>A node's kernel, of one session.</summary>
internal abstract class FusedKernel : IDisposable
{
    /// <summary>Turns an exponent of e into one of 2, the base of the processors' own function.</summary>
    protected const float BaseTwo = 1.44269504f;

    /// <summary>Queues it.</summary>
    /// <exception cref="InvalidOperationException">The GPU refuses.</exception>
    public abstract void Compute(RunContext context);

    /// <inheritdoc/>
    public abstract void Dispose();
}
