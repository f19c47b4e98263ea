using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>Beam search: each step goes on with its best beams by itself; the candidates come to the host, which keeps the books of what has ended.</summary>
internal sealed class BeamPlan : SearchPlan
{
    // Keeps the beams that are copies of the first out of the first step.
    private const float Never = -1e9f;

    private readonly CudaSession _session;
    private readonly int _candidates;
    private readonly List<DeviceBuffer> _device = [];
    private readonly DeviceBuffer _constants;
    private readonly DeviceBuffer _ids;
    private readonly DeviceBuffer _scores;
    private readonly DeviceBuffer _indirection;
    private readonly DeviceBuffer _firstIndirection;
    private readonly DeviceBuffer _tokens;
    private readonly DeviceBuffer _owners;
    private readonly DeviceBuffer _sums;
    private readonly PinnedBuffer _host;
    private readonly PinnedBuffer _counts;
    private readonly PinnedBuffer _firstScores;
    private readonly BeamConstants _layout;

    /// <param name="session">The step.</param>
    /// <param name="shapes">Of the graphs.</param>
    /// <param name="stream">The lane's.</param>
    /// <param name="memory">The lane's; becomes this plan's.</param>
    /// <param name="capacity">Images at most.</param>
    /// <param name="beams">Beams of an image.</param>
    /// <param name="tokens">The model's start and end token.</param>
    public BeamPlan(CudaSession session, CaptionShapes shapes, CudaStream stream, StepMemory memory, int capacity, int beams, GenerationTokens tokens)
        : base(shapes, stream, memory, capacity, beams)
    {
        (_session, _candidates) = (session, 2 * beams);
        _layout = new BeamConstants(capacity, beams);
        DeviceBuffer Take(long bytes)
        {
            _device.Add(new DeviceBuffer(bytes));
            return _device[^1];
        }

        _constants = Take(_layout.Bytes);
        _ids = Take((long)capacity * beams * sizeof(long));
        _scores = Take((long)capacity * beams * sizeof(float));
        _indirection = Take((long)capacity * beams * Length * sizeof(int));
        _firstIndirection = Take((long)capacity * beams * Length * sizeof(int));
        _tokens = Take((long)capacity * _candidates * sizeof(long));
        _owners = Take((long)capacity * _candidates * sizeof(long));
        _sums = Take((long)capacity * _candidates * sizeof(float));
        _host = new PinnedBuffer(Math.Max(_layout.Bytes, Length * StepBytes));
        _counts = new PinnedBuffer(3 * sizeof(long));
        _firstScores = new PinnedBuffer((long)capacity * beams * sizeof(float));
        _layout.Write(_host, tokens, Never);
        _host.Span<float>(_layout.Scores, capacity * beams).CopyTo(_firstScores.Span<float>(0, capacity * beams));
        var counts = _counts.Span<long>(0, 3);
        (counts[0], counts[1], counts[2]) = (_candidates, beams, beams);
        stream.CopyToDevice(_constants.Pointer, _host.Pointer, _layout.Bytes);
        stream.Clear(_firstIndirection);
        stream.Synchronize();
    }

    private long StepBytes => (long)Capacity * _candidates * (sizeof(long) + sizeof(long) + sizeof(float));

    /// <summary>The candidates of an image after a step, once it was waited for.</summary>
    public void Candidates(int step, int image, Span<Candidate> candidates)
    {
        var all = Capacity * _candidates;
        var tokens = _host.Span<long>(step * StepBytes, all).Slice(image * _candidates, _candidates);
        var owners = _host.Span<long>((step * StepBytes) + ((long)all * sizeof(long)), all).Slice(image * _candidates, _candidates);
        var sums = _host.Span<float>((step * StepBytes) + (2L * all * sizeof(long)), all).Slice(image * _candidates, _candidates);
        for (var i = 0; i < candidates.Length; i++)
            candidates[i] = new Candidate((int)owners[i], (int)tokens[i], sums[i]);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _device.ForEach(buffer => buffer.Dispose());
        _host.Dispose();
        _counts.Dispose();
        _firstScores.Dispose();
    }

    /// <inheritdoc/>
    protected override CudaBinding Bind(int size, int step)
    {
        var binding = _session.Bind();
        var first = step == 0;
        binding.Input(CaptionerNames.Ids, first ? _constants.Pointer + BeamConstants.Start : _ids.Pointer, TensorElementType.Int64, size, Beams);
        binding.Input(CaptionerNames.Scores, first ? _constants.Pointer + _layout.Scores : _scores.Pointer, TensorElementType.Float, size, Beams);
        binding.Input(CaptionerNames.Indirection, (first ? _firstIndirection : _indirection).Pointer, TensorElementType.Int32, size, Beams, Length);
        binding.Input(CaptionerNames.FirstBeams, _constants.Pointer + _layout.FirstBeams, TensorElementType.Int64, size, 1);
        binding.Input(CaptionerNames.CandidateOwners, _constants.Pointer + _layout.Owners, TensorElementType.Int64, Beams * _candidates);
        binding.Input(CaptionerNames.EndToken, _constants.Pointer + _layout.EndToken, TensorElementType.Int64, 1);
        binding.HostInput(CaptionerNames.CandidateCount, _counts.Pointer, TensorElementType.Int64, 1);
        binding.HostInput(CaptionerNames.BeamCount, _counts.Pointer + sizeof(long), TensorElementType.Int64, 1);
        binding.HostInput(CaptionerNames.BeamWidth, _counts.Pointer + (2 * sizeof(long)), TensorElementType.Int32, 1);
        binding.Output(CaptionerNames.NextIds, _ids.Pointer, TensorElementType.Int64, size, Beams);
        binding.Output(CaptionerNames.NextScores, _scores.Pointer, TensorElementType.Float, size, Beams);
        binding.Output(CaptionerNames.NextIndirection, _indirection.Pointer, TensorElementType.Int32, size, Beams, Length);
        binding.Output(CaptionerNames.CandidateTokens, _tokens.Pointer, TensorElementType.Int64, size, _candidates);
        binding.Output(CaptionerNames.CandidateBeams, _owners.Pointer, TensorElementType.Int64, size, _candidates);
        binding.Output(CaptionerNames.CandidateScores, _sums.Pointer, TensorElementType.Float, size, _candidates);
        return binding;
    }

    /// <inheritdoc/>
    // The search begins anew. Whose caches hold the keys so far does not matter: the beams' are alike.
    protected override void Replace(nint tokens, int images)
    {
        Stream.CopyToDevice(_ids.Pointer, tokens, (long)images * Beams * sizeof(long));
        Stream.CopyToDevice(_scores.Pointer, _firstScores.Pointer, (long)images * Beams * sizeof(float));
    }

    /// <inheritdoc/>
    protected override void Fetch(int size, int step)
    {
        var all = (long)Capacity * _candidates * sizeof(long);
        var host = _host.Pointer + (nint)(step * StepBytes);
        Stream.CopyToHost(host, _tokens.Pointer, (long)size * _candidates * sizeof(long));
        Stream.CopyToHost(host + (nint)all, _owners.Pointer, (long)size * _candidates * sizeof(long));
        Stream.CopyToHost(host + (nint)(2 * all), _sums.Pointer, (long)size * _candidates * sizeof(float));
    }
}
