using FsCheck.Xunit;
using VlWorker.Inference.Generation;

namespace VlWorker.Worker.Tests.Inference.Generation;

public sealed class TopCandidatesTests
{
    [Property]
    public void The_best_of_several_beams_are_found_in_order(byte seed, byte size)
    {
        var random = new Random(seed);
        // Few different values, so that many are equal: of those the earlier beam and token goes first.
        var beams = Enumerable.Range(0, 4).Select(_ => Enumerable.Range(0, size + 8).Select(_ => (float)random.Next(12)).ToArray()).ToArray();
        float[] own = [0, -1, -2.5f, -1e9f];
        var top = new TopCandidates(8);
        for (var beam = 0; beam < beams.Length; beam++)
            top.Offer(beam, beams[beam], own[beam]);

        var all = beams.SelectMany((scores, beam) => scores.Select((score, token) => new Candidate(beam, token, score + own[beam])));
        Assert.Equal(all.OrderByDescending(candidate => candidate.Score).Take(8), top.Best.ToArray());
    }

    [Fact]
    public void It_is_used_again()
    {
        var top = new TopCandidates(2);
        top.Offer(0, [5, 6, 7], 0);
        top.Clear();
        top.Offer(1, [1, 3, 2], 0);
        Assert.Equal([new Candidate(1, 1, 3), new Candidate(1, 2, 2)], top.Best.ToArray());
    }
}
