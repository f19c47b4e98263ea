using System.Globalization;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Backfill;

/// <summary>What to estimate by.</summary>
/// <param name="MeasuredBy">A job file whose throughput counts, or null.</param>
/// <param name="Throughput">Images a second, or null.</param>
/// <param name="PricePerHour">Price of an hour of all workers, or null.</param>
internal sealed record DryRunSettings(string? MeasuredBy, double? Throughput, double? PricePerHour);

/// <summary>Lists a source and says what a run would be like.</summary>
internal sealed class DryRun(Terminal terminal, SourceSettings source, DryRunSettings settings)
{
    private long _count;
    private long _bytes;
    private long _faults;

    /// <summary>Counts, and returns the exit code.</summary>
    public async Task<int> RunAsync(IItemSource items, CancellationToken cancellation)
    {
        await foreach (var entry in items.ReadAsync(null, cancellation))
        {
            if (entry.Fault is { } fault)
            {
                _faults++;
                await terminal.Error.WriteLineAsync($"vl-producer: line {fault.Place} of {source} would be left out: {Printing.Plain.Line(fault.Message)}");
            }
            else if (ItemSources.Includes(source, entry.Item!.Key))
            {
                _count++;
                _bytes += entry.Bytes;
            }

            if (_count == source.Limit)
                break;
        }

        await using var output = new StreamWriter(terminal.Output, leaveOpen: true);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"images      {_count:N0}"));
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"bytes       {(_bytes > 0 ? $"{_bytes:N0} ({_bytes / 1e9:0.0} GB)" : "not known")}"));
        if (_faults > 0)
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"left out    {_faults:N0}"));
        await EstimateAsync(output);
        return _faults > 0 ? ExitCode.Usage : ExitCode.Success;
    }

    private async Task EstimateAsync(StreamWriter output)
    {
        if ((settings.Throughput ?? Measured()) is not { } rate)
        {
            await output.WriteLineAsync("time        not known: give --measured-by FILE, the job file of a run over some images, or --throughput");
            return;
        }

        var hours = _count / rate / 3600;
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"throughput  {rate:N1} images/s"));
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"time        {hours:N1} h"));
        if (settings.PricePerHour is { } price)
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"cost        {hours * price:N2}"));
    }

    private double? Measured()
    {
        if (settings.MeasuredBy is not { } file)
            return null;
        using var job = JobFile.Open(file);
        return job.WorkingSeconds > 0 && job.Outcomes.Settled > 0
            ? job.Outcomes.Settled / job.WorkingSeconds
            : throw new ProducerException(ExitCode.Usage, $"the job of {file} has no answers to measure by");
    }
}
