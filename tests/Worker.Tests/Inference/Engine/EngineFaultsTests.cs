using VlWorker.Inference.Engine;

namespace VlWorker.Worker.Tests.Inference.Engine;

public sealed class EngineFaultsTests
{
    // The engine's texts: the arena's refusal, and libraries' failures with number, place and host.
    [Theory]
    [InlineData(
        "[ErrorCode:RuntimeException] Non-zero status code returned while running MatMul node. Name:'x' Status Message: Failed to allocate memory for requested buffer of size 12884901888",
        DeviceFault.OutOfMemory)]
    [InlineData("CUDA failure 2: out of memory ; GPU=0 ; hostname=h ; file=/a/cuda_allocator.cc ; line=52 ; expr=cudaMalloc((void**)&p, size);", DeviceFault.OutOfMemory)]
    [InlineData("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=h ; file=f ; line=1 ; expr=cublasCreate(&handle);", DeviceFault.OutOfMemory)]
    [InlineData("CUDNN failure 4002: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED ; GPU=0 ; hostname=h ; file=f ; line=1 ; expr=e;", DeviceFault.OutOfMemory)]
    [InlineData("[ErrorCode:RuntimeException] std::bad_alloc", DeviceFault.OutOfMemory)]
    [InlineData("CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=h ; file=f ; line=9 ; expr=cudaStreamSynchronize(s);", DeviceFault.Lost)]
    [InlineData("CUDA failure 719: unspecified launch failure ; GPU=1 ; hostname=h ; file=f ; line=9 ; expr=e;", DeviceFault.Lost)]
    [InlineData("CUDA failure 214: uncorrectable ECC error encountered ; GPU=1 ; hostname=h ; file=f ; line=9 ; expr=e;", DeviceFault.Lost)]
    [InlineData("CUDA failure 700: an illegal memory access was encountered ; Failed to allocate memory for requested buffer of size 4", DeviceFault.Lost)]
    [InlineData("[ErrorCode:Fail] loading the kernel bias_gelu: CUDA error 2, out of memory", DeviceFault.OutOfMemory)]
    [InlineData("Non-zero status code returned while running Linear node. Status Message: starting product: CUDA error 700, an illegal memory access was encountered", DeviceFault.Lost)]
    [InlineData("[ErrorCode:Fail] starting bias_gelu: CUDA error 1, invalid argument", DeviceFault.None)]
    [InlineData("CUDA failure 1: invalid argument ; GPU=0 ; hostname=h ; file=f ; line=9 ; expr=e;", DeviceFault.None)]
    [InlineData("CUBLAS failure 700: no such status ; GPU=0 ; hostname=h ; file=f ; line=9 ; expr=e;", DeviceFault.None)]
    [InlineData("[ErrorCode:InvalidArgument] Got invalid dimensions for input: pixel_values index: 2 Got: 7 Expected: 224", DeviceFault.None)]
    public void An_error_says_what_it_means_for_the_device(string message, object fault) => Assert.Equal(fault, EngineFaults.Of(message));

    [Fact]
    public void Host_names_and_source_files_stay_out_of_messages() => Assert.Equal(
        "CUDA failure 700: an illegal memory access was encountered",
        EngineFaults.Clean("CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=secret ; file=/b/c.cc ; line=9 ; expr=x();\n"));
}
