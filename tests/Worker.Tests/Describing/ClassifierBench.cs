using Prometheus;
using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Describing;
using VlWorker.Inference;
using VlWorker.Telemetry;

namespace VlWorker.Worker.Tests.Describing;

/// <summary>A classifier over a batcher whose one stream runs a model.</summary>
internal sealed class ClassifierBench : IDisposable
{
    private readonly IModel _model;
    private readonly DynamicBatcher _batcher;
    private readonly DeviceRunner _runner;
    private readonly LabelClassifier _classifier;

    public ClassifierBench(IModel model)
    {
        var options = new BatchingOptions { MaxBatch = 256, MaxWaitMs = 1 };
        _model = model;
        _batcher = new DynamicBatcher(options, TimeProvider.System);
        var device = new Device("cpu", 1, 256, [model]);
        _classifier = new LabelClassifier(new RowSubmitter(new ModelRegistry([device]), _batcher));
        _runner = new DeviceRunner(
            _batcher, [device], options, TimeProvider.System, new WorkerMetrics(Metrics.NewCustomRegistry()));
        _runner.Start();
    }

    public int Waiting => _batcher.Waiting;

    public async Task<Classification> ScoreAsync(string[] labels, string? template, float[] image, CancellationToken cancellation = default)
    {
        var plan = new TaskPlan(Tasks.Classify, _model, null) { Labels = new LabelSet(labels, template) };
        return (await _classifier.ScoreAsync(plan, new EmbeddingOutcome(image), new RowTerms(BatchPriority.Interactive, null, null), null, cancellation)).Classification;
    }

    public void Dispose()
    {
        _runner.Dispose();
        _batcher.Dispose();
    }
}
