using VlWorker.Hosting;
using VlWorker.Inference;
using VlWorker.Publishing;

namespace VlWorker.Diagnostics;

/// <summary>Runs checks one after the other. One that fails itself is a finding like any other.</summary>
internal sealed class Doctor(IReadOnlyList<IDiagnosticCheck> checks)
{
    /// <summary>The checks of this machine and of what the settings ask of it.</summary>
    /// <param name="settings">What is set up.</param>
    /// <param name="gpu">Whether GPUs are looked at though no setting asks for one.</param>
    /// <param name="offline">Whether broker and store are left out.</param>
    public static Doctor For(DoctorSettings settings, bool gpu, bool offline = false)
    {
        var devices = settings.Gpus;
        var checks = new List<IDiagnosticCheck>
        {
            new SettingsCheck(settings), new RuntimeCheck(), new ProcessorCheck(), new NativeLibrariesCheck(), new OnnxRuntimeCheck(devices.Count > 0 || gpu),
        };
        if (devices.Count == 0 && gpu)
            devices = [new DeviceName(DeviceKind.Cuda, 0)];
        if (devices.Count > 0)
            checks.AddRange([new DriverCheck(), new CudaLibrariesCheck(), new GpuCheck(devices), .. devices.Select(device => new GpuSessionCheck(device))]);
        else
            checks.Add(new NoGpuCheck());
        checks.AddRange([new ModelsCheck(settings.Inference), new DiskCheck(settings.Inference.ModelCache, settings.Options.KeptJournal()?.EffectiveFolder()), new LimitsCheck(settings.Options)]);
        if (!offline)
        {
            var (store, fetching) = (settings.Options.Store, settings.Options.Fetching);
            checks.AddRange(
            [
                new BrokerCheck(settings.Options.Broker, settings.Options.Publishing), new StoreCheck(store, fetching), new ClockCheck(store, fetching, TimeProvider.System),
            ]);
        }

        return new Doctor(checks);
    }

    /// <summary>Runs all checks.</summary>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        var findings = new List<Finding>();
        foreach (var check in checks)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                findings.AddRange(await check.RunAsync(cancellation));
            }
            catch (Exception error) when (error is not OperationCanceledException || !cancellation.IsCancellationRequested)
            {
                findings.Add(Finding.Fail(check.Name, $"the check itself failed: {error.Message}", "Report it with this output"));
            }
        }

        return findings;
    }
}
