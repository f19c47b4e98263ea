using System.Text.Json;
using VlWorker.Hosting;
using VlWorker.Models;
using VlWorker.Models.Verification;

namespace VlWorker.Worker.Tests.Models.Verification;

/// <summary>Resident memory is the whole process's: while it is measured, no other test may take or give back any.</summary>
[CollectionDefinition(nameof(VerifyMemoryTests), DisableParallelization = true)]
[Collection(nameof(VerifyMemoryTests))]
public sealed class VerifyMemoryTests : VerbTest
{
    [Fact]
    public async Task Memory_is_that_of_a_loaded_model()
    {
        var bundled = ResourcePath.Resolve("models/demo-clip");
        var settings = new VerifySettings(new ModelChoice(bundled), new ModelChoice(bundled), Pictures) { Rounds = 1, Limit = 2, Json = true };
        var run = new VerifyRun(settings, Console.Console, Console.Out, Console.Error, TimeProvider.System);
        Assert.Equal(ModelExit.Good, await run.RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(2)));

        using var report = JsonDocument.Parse(Console.Out.ToString());
        var weights = report.RootElement.GetProperty("original").GetProperty("weightBytes").GetInt64();
        Assert.InRange(report.RootElement.GetProperty("original").GetProperty("residentBytes").GetInt64(), weights / 2, 40 * weights);
        Assert.InRange(report.RootElement.GetProperty("candidate").GetProperty("residentBytes").GetInt64(), weights / 2, 40 * weights);
    }
}
