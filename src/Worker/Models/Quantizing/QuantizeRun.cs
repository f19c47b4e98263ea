using Microsoft.ML.OnnxRuntime;
using Spectre.Console;
using VlWorker.Demo;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Quantization;
using VlWorker.ModelKit.Quantization.HalfPrecision;

namespace VlWorker.Models.Quantizing;

/// <summary>One run of <c>model quantize</c>: read, rewrite, load, put in place.</summary>
internal sealed class QuantizeRun(QuantizeSettings settings, IAnsiConsole console, TextWriter error)
{
    /// <summary>Runs it.</summary>
    /// <returns>An exit code, see <see cref="ModelExit"/>.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        try
        {
            var errors = settings.Check().ToList();
            if (errors.Count > 0)
                throw new ModelCommandException(string.Join("; ", errors));
            var source = ModelFolder.Open(settings.Folder, ModelPrecision.Fp32);
            using var target = DerivedFolder.Create(source, settings.Out, settings.Recipe.Precision, settings.Force);
            var measured = settings.Images is null ? null : await Calibration.MeasureAsync(source, settings.Images, settings.Limit, cancellation);
            Rewrite(source, target, measured, cancellation);
            return ModelExit.Good;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return ModelExit.Interrupted;
        }
        catch (OnnxRuntimeException fault)
        {
            await error.WriteLineAsync($"Error: the result can't be loaded, nothing was kept: {fault.Message}");
            return ModelExit.Bad;
        }
        catch (Exception fault) when (fault is ModelCommandException or ModelFolderException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"Error: {fault.Message}");
            return ModelExit.Unusable;
        }
    }

    private void Rewrite(ModelFolder source, DerivedFolder target, Measurements? measured, CancellationToken cancellation)
    {
        var filter = settings.Recipe.Filter();
        var (before, after) = (0L, 0L);
        foreach (var (name, path) in source.Graphs)
        {
            cancellation.ThrowIfCancellationRequested();
            var model = OnnxFile.Load(path);
            var summary = settings.Recipe.Apply(model, filter, measured?.Of(name));
            var written = target.Write(name, model);
            using (new InferenceSession(written))
            {
                // Loading it was the question.
            }

            var (old, fresh) = (SizeOf(path), SizeOf(written));
            (before, after) = (before + old, after + fresh);
            Report(name, summary, old, fresh);
        }

        if (filter.Unmatched.ToList() is { Count: > 0 } unmatched)
            throw new ModelCommandException($"--exclude {string.Join(", ", unmatched)} matches no node that would be rewritten; nothing was kept");
        target.Finish($"Quantised: {settings.Recipe.Describe()}.");
        Warn(before, after);
        console.Line($"Written: {target.Target}, {Verification.Figures.Size(after)} instead of {Verification.Figures.Size(before)} ({settings.Recipe.Describe()})");
    }

    private void Report(string name, QuantizationSummary summary, long before, long after)
    {
        var operators = string.Join(", ", summary.Rewritten.GroupBy(note => note.Operator).OrderByDescending(group => group.Count()).Take(6)
            .Select(group => $"{group.Count()} {group.Key}"));
        console.Line($"{name}: {summary.Rewritten.Count} nodes rewritten{(operators.Length > 0 ? $" ({operators})" : string.Empty)}, "
            + $"{Verification.Figures.Size(before)} -> {Verification.Figures.Size(after)}");
        foreach (var reason in summary.LeftOut.GroupBy(note => note.Note).OrderByDescending(group => group.Count()))
        {
            var kinds = string.Join(", ", reason.Select(note => note.Operator).Distinct());
            console.Line($"  left as they were: {reason.Count()} ({kinds}): {DemoReport.Printable(reason.Key)}");
        }

        if (!settings.Verbose)
            return;
        foreach (var note in summary.Rewritten.Concat(summary.LeftOut))
            console.Line($"  {note.Operator} {DemoReport.Printable(note.Name)} {DemoReport.Printable(note.Note)}");
    }

    private void Warn(long before, long after)
    {
        if (settings.Recipe.Target == QuantizationTarget.Fp16 && settings.Images is null)
            console.Line("Note: without --images nobody looked whether values pass fp16's range; only constants were checked.");
        if (after >= before)
            console.Line("Note: the result is not smaller: weights that two operators share are stored once for each form.");
    }

    private static long SizeOf(string graph) => GraphChoice.ExternalData(graph).Append(graph).Sum(file => new FileInfo(file).Length);
}
