using System.CommandLine;
using VlWorker.Hosting;

namespace VlWorker.Diagnostics;

/// <summary><c>vl-worker doctor</c>.</summary>
internal static class DoctorCommand
{
    private const string Description = """
        Checks what the worker needs: processor, native libraries, ONNX Runtime's build, NVIDIA driver, CUDA's libraries, GPUs, whether a graph really
        runs on them, settings, model folders and their hashes. Prints OK, WARN or FAIL for each, and what to do. Takes the worker's settings
        (--Section:Name=value) too.
        Exit code: 0 nothing failed; 1 something did; 2 the arguments are wrong.
        """;

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Prints the findings as JSON." };
        var gpu = new Option<bool>("--gpu") { Description = "Looks for a GPU though no setting names one." };
        var command = new Command("doctor", Description) { json, gpu };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction((result, cancellation) =>
            RunAsync([.. result.UnmatchedTokens], result.GetValue(json), result.GetValue(gpu), (Console.Out, Console.Error), cancellation));
        return command;
    }

    /// <summary>Runs the command.</summary>
    public static async Task<int> RunAsync(string[] settings, bool json, bool gpu, (TextWriter Out, TextWriter Error) console, CancellationToken cancellation)
    {
        if (settings.FirstOrDefault(token => !token.StartsWith("--", StringComparison.Ordinal) || !CommandLine.IsSetting(token)) is { } unknown)
        {
            await console.Error.WriteLineAsync($"'{unknown}' is not an option of doctor; see doctor --help");
            return 2;
        }

        var doctor = Doctor.For(DoctorSettings.Read(WorkerHost.CreateBuilder(settings).Configuration), gpu);
        var findings = await doctor.RunAsync(cancellation);
        if (json)
            DoctorReport.WriteJson(findings, console.Out);
        else
            DoctorReport.WriteTable(findings, console.Out);
        return DoctorReport.Healthy(findings) ? 0 : 1;
    }
}
