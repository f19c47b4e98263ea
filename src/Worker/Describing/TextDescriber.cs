using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.Journal;
using VlWorker.Telemetry;

namespace VlWorker.Describing;

/// <summary>A text's embedding and what it was made of.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Tokens">Tokens that it saw, and whether the text was cut.</param>
/// <param name="Outcome">The vector.</param>
internal sealed record DescribedText(ModelReference Model, TokenizedText Tokens, EmbeddingOutcome Outcome);

/// <summary>The way of one text through the stages: that of <see cref="ImageDescriber"/> without an object to fetch.</summary>
internal sealed class TextDescriber(
    RequestPlanner planner, ModelRegistry models, RowSubmitter rows, CrashJournal journal, WorkerMetrics metrics, TimeProvider time)
{
    /// <summary>Embeds a text. The request has been validated.</summary>
    /// <inheritdoc cref="ImageDescriber.DescribeAsync(DescribeImage, BatchPriority, CancellationToken, WorkMark?, TextStream?)"/>
    public async Task<DescribedText> DescribeAsync(DescribeText request, BatchPriority priority, CancellationToken cancellation, WorkMark? mark = null)
    {
        RequestChecks.Deadline(request.Deadline, time, "before the text was read");
        var model = planner.Plan(request);
        using var admitted = await models.AdmitAsync([model], request.Deadline, cancellation);
        var tokens = model.Tokenize(request.Text!);
        using var turn = new WorkTurn(mark ?? journal.OfNobody(request.Id));
        await turn.EnterAsync(cancellation);
        var outcome = BatchSpans.Record(
            Tasks.Embedding,
            await rows.SubmitAsync(
                new TextInput(tokens) { Mark = turn.Mark }, model, new RowTerms(priority, request.Deadline, request.JobId), cancellation));
        metrics.Stage("batch-wait", outcome.Waited);
        metrics.Stage("inference", outcome.Ran);
        return new DescribedText(model.Reference, tokens, (EmbeddingOutcome)outcome.Outcome);
    }
}
