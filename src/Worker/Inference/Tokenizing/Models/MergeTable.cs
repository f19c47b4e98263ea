using System.Numerics;

namespace VlWorker.Inference.Tokenizing.Models;

/// <summary>The merges of a byte-pair encoding: pair of ids to rank, and rank to the id it makes. A hash table in flat arrays.</summary>
internal sealed class MergeTable
{
    private const ulong Empty = ulong.MaxValue;

    // 2^64 / golden ratio: spreads consecutive keys over the upper bits.
    private const ulong Spread = 0x9E3779B97F4A7C15;

    private readonly ulong[] _pairs;
    private readonly int[] _ranks;
    private readonly int[] _merged;
    private readonly int _shift;

    /// <param name="merges">Left id, right id and merged id, by rank; of equal pairs the last one counts.</param>
    public MergeTable(IReadOnlyList<(int Left, int Right, int Merged)> merges)
    {
        var capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, merges.Count * 2));
        _shift = 64 - BitOperations.Log2((uint)capacity);
        _pairs = new ulong[capacity];
        Array.Fill(_pairs, Empty);
        _ranks = new int[capacity];
        _merged = new int[merges.Count];
        for (var rank = 0; rank < merges.Count; rank++)
        {
            var pair = Key(merges[rank].Left, merges[rank].Right);
            var slot = SlotOf(pair);
            _pairs[slot] = pair;
            _ranks[slot] = rank;
            _merged[rank] = merges[rank].Merged;
        }
    }

    /// <summary>The rank of a pair, lower merges earlier; -1 where it does not merge.</summary>
    public int RankOf(int left, int right)
    {
        var slot = SlotOf(Key(left, right));
        return _pairs[slot] == Empty ? -1 : _ranks[slot];
    }

    /// <summary>The id that the merge of a rank makes.</summary>
    public int MergedBy(int rank) => _merged[rank];

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private int SlotOf(ulong pair)
    {
        var slot = (int)(pair * Spread >> _shift);
        while (_pairs[slot] != pair && _pairs[slot] != Empty)
            slot = (slot + 1) & (_pairs.Length - 1);
        return slot;
    }
}
