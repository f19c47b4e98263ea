using VlWorker.Batching;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Fetching;
using VlWorker.Inference;
using VlWorker.Journal;
using VlWorker.Telemetry;

namespace VlWorker.Describing;

/// <summary>The way of one image through the stages, whoever asks: a message of the broker or an HTTP request.</summary>
/// <remarks>
/// <code>
/// plan -> the model is there -> fetch (or the bytes that came with the request) -> a turn -> decode once -> one row a task in the batcher -> outputs
///                               each image of the request in turn ----------------------------------+
/// </code>
/// A model that has to be loaded is waited for before memory is taken; it is held only while a row of it is in the batcher, so that what holds a
/// model never waits for anything but the device. The turn is shared; a message that may have killed a process has one of its own. Memory: the
/// encoded bytes are given back after decoding; each prepared image belongs to the batcher from its submission on.
/// </remarks>
internal sealed class ImageDescriber(
    RequestPlanner planner,
    ModelRegistry models,
    IObjectStore store,
    ImagePreparer preparer,
    RowSubmitter rows,
    LabelClassifier classifier,
    RecentImages recent,
    CrashJournal journal,
    WorkerMetrics metrics,
    TimeProvider time)
{
    /// <summary>Describes the image that a request names. The request has been validated.</summary>
    /// <exception cref="Failures.RejectedException">The request or its object is at fault.</exception>
    /// <exception cref="Failures.TransientException">It failed now and may succeed later.</exception>
    /// <exception cref="Failures.DependencyException">The store or the device is gone.</exception>
    public Task<Description> DescribeAsync(
        DescribeImage request, BatchPriority priority, CancellationToken cancellation, WorkMark? mark = null, TextStream? stream = null) =>
        DescribeAsync(request, priority, token => store.FetchAsync(request.Image!, token), cancellation, mark, stream);

    /// <inheritdoc cref="DescribeAsync(DescribeImage, BatchPriority, CancellationToken, WorkMark?, TextStream?)"/>
    /// <param name="request">Tasks, models, parameters and deadline; of its image only the name counts.</param>
    /// <param name="priority">How urgent its rows are.</param>
    /// <param name="open">Where the bytes come from, once the request has been found to make sense. The describer disposes of them.</param>
    /// <param name="cancellation">Nobody waits any more.</param>
    /// <param name="mark">Of the message, for the crash journal; HTTP requests have none.</param>
    /// <param name="stream">Takes the answer while it is generated; null where nobody reads along.</param>
    public async Task<Description> DescribeAsync(
        DescribeImage request, BatchPriority priority, Func<CancellationToken, Task<FetchedObject>> open, CancellationToken cancellation,
        WorkMark? mark = null, TextStream? stream = null)
    {
        RequestChecks.Deadline(request.Deadline, time, "before the image was fetched");
        var plans = planner.Plan(request);
        using var admitted = await models.AdmitAsync([.. plans.Select(plan => plan.Model)], request.Deadline, cancellation);
        using var turn = new WorkTurn(mark ?? journal.OfNobody(request.Id));
        var images = await preparer.PrepareAsync(request, plans, open, turn, urgent: priority == BatchPriority.Interactive, cancellation);
        var thumbnail = recent.Sample(images[0].Decoded, plans);
        var outcomes = await InferAsync(request, plans, images, priority, turn.Mark, stream, cancellation);
        metrics.Stage("batch-wait", outcomes.Max(outcome => outcome.Waited));
        metrics.Stage("inference", outcomes.Max(outcome => outcome.Ran));
        var image = images[0].Facts;
        string[] more = [.. images.Skip(1).Select(static other => other.Facts.Sha256)];
        var description = new Description(
            image,
            [.. plans.Select((plan, i) => ResultBuilder.Build(plan, request.Image, image.Sha256, more, outcomes[i].Outcome, request.EmbeddingEncoding))],
            ResultBuilder.Time(Sum(static one => one.Fetch), Sum(static one => one.Decode), outcomes));
        recent.Add(thumbnail, request.Image?.Key, description);
        return description;

        TimeSpan Sum(Func<PreparedImage, TimeSpan> part) => images.Aggregate(TimeSpan.Zero, (sum, one) => sum + part(one));
    }

    /// <summary>All tasks or none: the first to fail cancels the others, and all are over when this returns.</summary>
    private async Task<BatchedOutcome[]> InferAsync(
        DescribeImage request, IReadOnlyList<TaskPlan> plans, IReadOnlyList<PreparedImage> images, BatchPriority priority, WorkMark mark, TextStream? stream,
        CancellationToken cancellation)
    {
        using var siblings = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var tasks = plans.Select((plan, i) => InferAsync(plan, [.. images.Select(image => image.Decoded.Prepared[i])])).ToArray();
        try
        {
            return await Task.WhenAll(tasks);
        }
        catch
        {
            // Of several failures the one that caused the others counts.
            await (tasks.FirstOrDefault(task => task.IsFaulted) ?? tasks.First(task => task.IsCanceled));
            throw;
        }

        async Task<BatchedOutcome> InferAsync(TaskPlan plan, PreparedPixels[] pixels)
        {
            try
            {
                var input = new ImageInput(plan.Task, pixels[0], plan.Generation, plan.Prompt)
                {
                    Mark = mark,
                    More = pixels[1..],
                    Original = (images[0].Decoded.Width, images[0].Decoded.Height),
                    Stream = plan.Task == Tasks.Answer ? stream : null,
                };
                var terms = new RowTerms(priority, request.Deadline, request.JobId);
                var outcome = BatchSpans.Record(plan.Task, await rows.SubmitAsync(input, plan.Model, terms, siblings.Token));
                return plan.Labels is null ? outcome : outcome with
                {
                    Outcome = await classifier.ScoreAsync(plan, (EmbeddingOutcome)outcome.Outcome, terms, mark, siblings.Token),
                };
            }
            catch
            {
                await siblings.CancelAsync();
                throw;
            }
        }
    }
}
