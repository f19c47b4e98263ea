using System.Runtime.InteropServices;

namespace VlWorker.Inference.Cuda.Kernels;

/// <summary>
/// What operators of our own need of ONNX Runtime's C interface (onnxruntime_c_api.h), and its package for .NET does not show. Functions are numbered in
/// the order of that file's <c>OrtApi</c>, which never changes.
/// </summary>
internal static unsafe partial class OrtFunctions
{
    /// <summary>The version of the interface that is asked for: the first whose operators report errors.</summary>
    public const uint Version = 16;

    private const int CreateStatusAt = 0;
    private const int CreateDomainAt = 26;
    private const int AddToDomainAt = 27;
    private const int AddDomainAt = 28;
    private const int TensorDataAt = 51;
    private const int DimensionCountAt = 61;
    private const int DimensionsAt = 62;
    private const int TensorShapeAt = 65;
    private const int FloatAttributeAt = 85;
    private const int IntegerAttributeAt = 86;
    private const int ContextInputAt = 90;
    private const int ContextOutputAt = 91;
    private const int ReleaseStatusAt = 93;
    private const int ReleaseShapeAt = 99;
    private const int ErrorMessageAt = 2;
    private const int ContextStreamAt = 193;
    private const int CreateOperationAt = 213;
    private const int InvokeOperationAt = 214;
    private const int ReleaseOperationAt = 215;
    private const int Failure = 1;

    private static readonly nint* Functions = Load();

    /// <summary>A domain of operators, which lives as long as the process.</summary>
    public static nint CreateDomain(string name)
    {
        nint domain;
        var text = Marshal.StringToCoTaskMemUTF8(name);
        try
        {
            Check(((delegate* unmanaged<nint, nint*, nint>)Functions[CreateDomainAt])(text, &domain));
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }

        return domain;
    }

    /// <summary>Adds an operator to a domain.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="operation">An OrtCustomOp that stays where it is.</param>
    public static void AddOperator(nint domain, nint operation) => Check(((delegate* unmanaged<nint, nint, nint>)Functions[AddToDomainAt])(domain, operation));

    /// <summary>Lets sessions with some options know a domain.</summary>
    public static void AddDomain(nint sessionOptions, nint domain) => Check(((delegate* unmanaged<nint, nint, nint>)Functions[AddDomainAt])(sessionOptions, domain));

    /// <summary>An integer attribute of a node.</summary>
    public static long Integer(nint info, string name) => Attribute<long>(info, name, IntegerAttributeAt);

    /// <summary>A float attribute of a node.</summary>
    public static float Float(nint info, string name) => Attribute<float>(info, name, FloatAttributeAt);

    /// <summary>An operator of the provider's own, of ONNX's domain and without attributes, that a node's kernel runs itself.</summary>
    /// <param name="info">The node's.</param>
    /// <param name="name">Of the operator.</param>
    /// <param name="version">Of ONNX's operators.</param>
    /// <param name="type">Its T.</param>
    /// <param name="inputs">Their number.</param>
    public static nint CreateOperation(nint info, string name, int version, TensorType type, int inputs)
    {
        nint operation;
        var (text, domain, constraint) = (Marshal.StringToCoTaskMemUTF8(name), Marshal.StringToCoTaskMemUTF8(""), Marshal.StringToCoTaskMemUTF8("T"));
        try
        {
            Check(((delegate* unmanaged<nint, nint, nint, int, nint*, TensorType*, int, nint*, int, int, int, nint*, nint>)Functions[CreateOperationAt])(
                info, text, domain, version, &constraint, &type, 1, null, 0, inputs, 1, &operation));
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
            Marshal.FreeCoTaskMem(domain);
            Marshal.FreeCoTaskMem(constraint);
        }

        return operation;
    }

    /// <summary>Runs it.</summary>
    public static void Invoke(nint context, nint operation, ReadOnlySpan<nint> inputs, nint output)
    {
        fixed (nint* first = inputs)
        {
            Check(((delegate* unmanaged<nint, nint, nint*, int, nint*, int, nint>)Functions[InvokeOperationAt])(
                context, operation, first, inputs.Length, &output, 1));
        }
    }

    /// <summary>Frees it.</summary>
    public static void ReleaseOperation(nint operation) => ((delegate* unmanaged<nint, void>)Functions[ReleaseOperationAt])(operation);

    /// <summary>An input of a run.</summary>
    public static nint Input(nint context, int index)
    {
        nint value;
        Check(((delegate* unmanaged<nint, nuint, nint*, nint>)Functions[ContextInputAt])(context, (nuint)index, &value));
        return value;
    }

    /// <summary>Takes memory for an output of a run.</summary>
    public static nint Output(nint context, int index, ReadOnlySpan<long> dims)
    {
        nint value;
        fixed (long* first = dims)
            Check(((delegate* unmanaged<nint, nuint, long*, nuint, nint*, nint>)Functions[ContextOutputAt])(context, (nuint)index, first, (nuint)dims.Length, &value));
        return value;
    }

    /// <summary>The stream that a run's kernels go to.</summary>
    public static nint Stream(nint context)
    {
        nint stream;
        Check(((delegate* unmanaged<nint, nint*, nint>)Functions[ContextStreamAt])(context, &stream));
        return stream;
    }

    /// <summary>Where a tensor's values lie.</summary>
    public static nint Data(nint value)
    {
        nint data;
        Check(((delegate* unmanaged<nint, nint*, nint>)Functions[TensorDataAt])(value, &data));
        return data;
    }

    /// <summary>A tensor's dimensions.</summary>
    public static long[] Shape(nint value)
    {
        nint shape;
        Check(((delegate* unmanaged<nint, nint*, nint>)Functions[TensorShapeAt])(value, &shape));
        try
        {
            nuint count;
            Check(((delegate* unmanaged<nint, nuint*, nint>)Functions[DimensionCountAt])(shape, &count));
            var dims = new long[(int)count];
            fixed (long* first = dims)
                Check(((delegate* unmanaged<nint, long*, nuint, nint>)Functions[DimensionsAt])(shape, first, count));
            return dims;
        }
        finally
        {
            ((delegate* unmanaged<nint, void>)Functions[ReleaseShapeAt])(shape);
        }
    }

    /// <summary>An OrtStatus that reports a failure to ONNX Runtime, which frees it.</summary>
    public static nint Failed(string message)
    {
        var text = Marshal.StringToCoTaskMemUTF8(message);
        try
        {
            return ((delegate* unmanaged<int, nint, nint>)Functions[CreateStatusAt])(Failure, text);
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }
    }

    private static T Attribute<T>(nint info, string name, int function)
        where T : unmanaged
    {
        T value;
        var text = Marshal.StringToCoTaskMemUTF8(name);
        try
        {
            Check(((delegate* unmanaged<nint, nint, T*, nint>)Functions[function])(info, text, &value));
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }

        return value;
    }

    private static void Check(nint status)
    {
        if (status == 0)
            return;
        var message = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint, nint>)Functions[ErrorMessageAt])(status));
        ((delegate* unmanaged<nint, void>)Functions[ReleaseStatusAt])(status);
        throw new InvalidOperationException($"ONNX Runtime: {message}");
    }

    // OrtApiBase is two functions: GetApi, GetVersionString.
    private static nint* Load()
    {
        var api = ((delegate* unmanaged<uint, nint>)(*(nint*)ApiBase()))(Version);
        return api != 0 ? (nint*)api : throw new NotSupportedException($"ONNX Runtime knows no version {Version} of its interface");
    }

    [LibraryImport("onnxruntime", EntryPoint = "OrtGetApiBase")]
    private static partial nint ApiBase();
}
