using VlWorker.Batching;
using VlWorker.Inference;
using VlWorker.Inference.OnDemand;

namespace VlWorker.Describing;

/// <summary>Submits rows to the batcher while their models are in memory.</summary>
internal sealed class RowSubmitter(ModelRegistry models, DynamicBatcher batcher)
{
    /// <summary>Waits until the model is there, submits a row and waits for its outcome. The input is no longer the caller's, whatever happens.</summary>
    /// <inheritdoc cref="DynamicBatcher.SubmitAsync"/>
    public async Task<BatchedOutcome> SubmitAsync(InferenceInput input, IModel model, RowTerms terms, CancellationToken cancellation)
    {
        using var lease = await AcquireAsync(input, model, terms.Deadline, cancellation);
        return await batcher.SubmitAsync(input, model, terms, cancellation);
    }

    private async ValueTask<ModelLease> AcquireAsync(InferenceInput input, IModel model, DateTimeOffset? deadline, CancellationToken cancellation)
    {
        try
        {
            return await models.AcquireAsync(model, deadline, cancellation);
        }
        catch
        {
            input.Dispose();
            throw;
        }
    }
}
