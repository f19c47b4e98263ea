using System.Text.Json;
using VlWorker.Diagnostics;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Diagnostics;

/// <summary>A broker and a store that the doctor is sent to.</summary>
public sealed class DoctorFixture : IAsyncLifetime
{
    internal TestBroker Broker { get; } = new();

    internal TestStore Store { get; } = new();

    public async Task InitializeAsync()
    {
        await Broker.InitializeAsync();
        await Store.InitializeAsync();
    }

    public async Task DisposeAsync()
    {
        await Broker.DisposeAsync();
        await Store.DisposeAsync();
    }

    /// <summary>Runs doctor --json with settings that fit, changed by the given ones.</summary>
    internal async Task<DoctorResult> RunAsync(params string[] settings)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        string[] all =
        [
            $"--Broker:Uri={Broker.Uri}", "--Broker:ConnectTimeoutSeconds=3", $"--Store:Endpoint={Store.Owner.Endpoint}", $"--Store:AccessKey={Store.Owner.AccessKey}",
            $"--Store:SecretKey={Store.Owner.SecretKey}", $"--Store:Buckets:0={Store.Bucket}", .. settings,
        ];
        var code = await DoctorCommand.RunAsync(all, new DoctorScope(Json: true), (output, error), CancellationToken.None);
        return new DoctorResult(code, output.ToString());
    }
}

/// <summary>What the doctor found.</summary>
/// <param name="Code">Exit code.</param>
/// <param name="Text">The JSON as it was printed.</param>
internal sealed record DoctorResult(int Code, string Text)
{
    /// <summary>The findings of a check: verdict, detail, remedy.</summary>
    public IReadOnlyList<(string Verdict, string Detail, string Remedy)> Of(string check)
    {
        using var json = JsonDocument.Parse(Text);
        return
        [
            .. json.RootElement.GetProperty("findings").EnumerateArray().Where(finding => finding.GetProperty("check").GetString() == check)
                .Select(finding => (finding.GetProperty("verdict").GetString()!, finding.GetProperty("detail").GetString()!,
                    finding.TryGetProperty("remedy", out var remedy) ? remedy.GetString()! : "")),
        ];
    }

    /// <summary>Asserts that the one finding of a check has failed, with words of its detail and of its remedy.</summary>
    public void Failed(string check, string detail, string remedy)
    {
        var finding = Assert.Single(Of(check), entry => entry.Verdict == "FAIL");
        Assert.Contains(detail, finding.Detail, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(remedy, finding.Remedy, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(1, Code);
    }
}
