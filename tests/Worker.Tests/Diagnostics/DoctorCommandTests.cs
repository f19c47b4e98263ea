using System.Text.Json;
using VlWorker.Diagnostics;

namespace VlWorker.Worker.Tests.Diagnostics;

public sealed class DoctorCommandTests
{
    private static readonly string[] Valid = ["--Store:Buckets:0=photos"];

    [Fact]
    public async Task A_machine_that_can_run_the_worker_is_healthy()
    {
        var (code, text, _) = await RunAsync(Valid);

        Assert.True(code == 0, text);
        foreach (var check in (string[])["settings", "system", "processor", "native libraries", "onnxruntime", "gpu", "model", "disk", "limits"])
            Assert.Matches($@"(?m)^(OK|WARN)\s+{check}\s", text);
        Assert.Matches("demo-captioner: vision-encoder-decoder, quantized, .* revision [0-9a-f]{64}", text);
        Assert.Contains(" 0 FAIL", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_is_a_failure_with_its_remedy_and_the_exit_code_says_so()
    {
        var (code, text, _) = await RunAsync(
            ["--Inference:Devices:0:Name=cuda:0", "--Inference:Models:0:Alias=gone", "--Inference:Models:0:Folder=no/such/folder"]);

        Assert.Equal(1, code);
        Assert.Matches(@"(?m)^FAIL\s+settings\s+.*Buckets", text);
        Assert.Matches(@"(?m)^FAIL\s+onnxruntime\s+build for processors only", text);
        Assert.Matches(@"(?m)^FAIL\s+gpu session\s+cuda:0", text);
        Assert.Matches(@"(?m)^FAIL\s+model\s+gone", text);
        Assert.Contains("-> Build with -p:Gpu=true", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_has_the_same_findings()
    {
        var (code, text, _) = await RunAsync([.. Valid, "--Inference:Devices:0:Name=cuda:0"], json: true);

        using var json = JsonDocument.Parse(text);
        Assert.Equal(1, code);
        Assert.False(json.RootElement.GetProperty("healthy").GetBoolean());
        var findings = json.RootElement.GetProperty("findings").EnumerateArray().ToArray();
        Assert.Equal(["FAIL", "OK"], findings.Select(finding => finding.GetProperty("verdict").GetString()).Where(verdict => verdict != "WARN").Distinct().Order());
        Assert.All(findings, finding => Assert.True(
            finding.GetProperty("verdict").GetString() == "OK" || finding.GetProperty("remedy").GetString()!.Length > 0, finding.ToString()));
    }

    [Fact]
    public async Task An_option_that_does_not_exist_is_an_error()
    {
        var (code, _, error) = await RunAsync(["--Nonsense=secret"]);

        Assert.Equal((2, true), (code, error.Contains("--Nonsense", StringComparison.Ordinal) && !error.Contains("secret", StringComparison.Ordinal)));
    }

    private static async Task<(int Code, string Out, string Error)> RunAsync(string[] settings, bool json = false)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await DoctorCommand.RunAsync(settings, new DoctorScope(json, Offline: true), (output, error), CancellationToken.None);
        return (code, output.ToString(), error.ToString());
    }
}
