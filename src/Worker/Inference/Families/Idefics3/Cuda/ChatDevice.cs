using VlWorker.Inference.Cuda;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>A lane's places for a batch.</summary>
/// <param name="plan">The steps.</param>
/// <param name="sizes">The sizes that steps are padded to.</param>
/// <param name="frames">From images to features.</param>
/// <param name="prompts">From features and prompts to first tokens.</param>
/// <param name="moves">Moves rows.</param>
/// <param name="imageToken">The token in whose places features go.</param>
internal sealed class ChatDevice(ChatPlan plan, BatchSizes sizes, FrameStage frames, PromptStage prompts, MoveStage moves, int imageToken)
    : IChatDevice
{
    /// <inheritdoc/>
    public int Places { get; } = Math.Min(plan.Memory.Rows, sizes.All[^1]);

    /// <inheritdoc/>
    public int Capacity => plan.Memory.Capacity;

    /// <inheritdoc/>
    public int SizeFor(int rows) => Math.Min(sizes.Choose(rows), Places);

    /// <inheritdoc/>
    public int[] Start(IReadOnlyList<ChatRow> rows, int first, CancellationToken cancellation)
    {
        var batch = frames.Encode([.. rows], imageToken, cancellation);
        prompts.Queue(batch, frames.Features, plan.Memory, first, 0);
        return [.. batch.Places.Select(place => first + place)];
    }

    /// <inheritdoc/>
    public void Step(int size) => plan.Queue(size, sizes.All.Contains(size));

    /// <inheritdoc/>
    public void Move(IReadOnlyList<RowMove> wanted) => moves.Queue(plan.Memory, wanted);

    /// <inheritdoc/>
    public void Fetch(int number, int first, int count) => plan.Fetch(number, first, count);

    /// <inheritdoc/>
    public void Wait(int number, int count) => plan.Wait(number, count);

    /// <inheritdoc/>
    public (int Token, float LogProbability) Read(int number, int place) => plan.Read(number, place);
}
