using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Inference;

public sealed class DeviceNameTests
{
    [Theory]
    [InlineData("cpu", "cpu")]
    [InlineData("cpu:0", "cpu")]
    [InlineData("cpu:1", "cpu:1")]
    [InlineData("cuda", "cuda:0")]
    [InlineData("cuda:12", "cuda:12")]
    public void Names_are_read_and_written(string text, string name) => Assert.Equal(name, DeviceName.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("gpu")]
    [InlineData("CUDA:0")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:0:1")]
    [InlineData("cuda:99999999999")]
    public void What_is_no_device_is_refused(string? text) => Assert.False(DeviceName.TryParse(text, out _));
}
