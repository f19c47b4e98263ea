using System.CommandLine;
using VlWorker.Hosting;

namespace VlWorker.Diagnostics;

/// <summary><c>vl-worker doctor</c>.</summary>
internal static class DoctorCommand
{
    private const string Description = """
        Checks what the worker needs: processor, native libraries, ONNX Runtime's build, NVIDIA driver, CUDA's libraries, GPUs, whether a graph really
        runs on them, settings, model folders and their hashes, disk, limits, the broker and its topology, the store's buckets, the clock. Changes
        nothing. Prints OK, WARN or FAIL for each, and what to do. Takes the worker's settings (--Section:Name=value) too.
        Exit code: 0 nothing failed; 1 something did; 2 the arguments are wrong.
        """;

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Prints the findings as JSON." };
        var gpu = new Option<bool>("--gpu") { Description = "Looks for a GPU though no setting names one." };
        var offline = new Option<bool>("--offline") { Description = "Leaves out broker and store." };
        var command = new Command("doctor", Description) { json, gpu, offline };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction((result, cancellation) =>
            RunAsync(
                [.. result.UnmatchedTokens],
                new DoctorScope(result.GetValue(json), result.GetValue(gpu), result.GetValue(offline)),
                (Console.Out, Console.Error),
                cancellation));
        return command;
    }

    /// <summary>Runs the command.</summary>
    public static async Task<int> RunAsync(string[] settings, DoctorScope scope, (TextWriter Out, TextWriter Error) console, CancellationToken cancellation)
    {
        if (settings.FirstOrDefault(token => !token.StartsWith("--", StringComparison.Ordinal) || !CommandLine.IsSetting(token)) is { } unknown)
        {
            await console.Error.WriteLineAsync($"'{unknown.Split('=')[0]}' is not an option of doctor; see doctor --help");
            return 2;
        }

        var doctor = Doctor.For(DoctorSettings.Read(WorkerHost.CreateBuilder(settings).Configuration), scope.Gpu, scope.Offline);
        var findings = await doctor.RunAsync(cancellation);
        if (scope.Json)
            DoctorReport.WriteJson(findings, console.Out);
        else
            DoctorReport.WriteTable(findings, console.Out);
        return DoctorReport.Healthy(findings) ? 0 : 1;
    }
}

/// <summary>How the doctor is asked.</summary>
/// <param name="Json">Findings as JSON.</param>
/// <param name="Gpu">Looks for a GPU though no setting names one.</param>
/// <param name="Offline">Leaves out broker and store.</param>
internal sealed record DoctorScope(bool Json = false, bool Gpu = false, bool Offline = false);
