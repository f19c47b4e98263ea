// Moves rows of a decoder's cache, which lie in places, and empties places.
//   caches: pointers to [places, HEADS, capacity, VECTORS] of 16 bytes each, keys and values of all blocks; ids [places] of 64 bits;
//   lengths [places] of 32 bits; moves [count, 3] of 32 bits: from which place, -1 to empty one; into which; positions to copy.
// No place is in two moves. The place that a row has left is empty: token 0 and nothing before it.
// A block copies a head of a row.

#define THREADS 256

extern "C" __global__ void __launch_bounds__(THREADS) move_rows(
    uint4* const* __restrict__ caches, const int* __restrict__ moves, long long* ids, int* lengths, int capacity)
{
    const int from = moves[blockIdx.y * 3], to = moves[blockIdx.y * 3 + 1], positions = moves[blockIdx.y * 3 + 2];
    if (blockIdx.x == 0 && threadIdx.x == 0)
    {
        ids[to] = from < 0 ? 0 : ids[from];
        lengths[to] = from < 0 ? 0 : lengths[from];
        if (from >= 0)
        {
            ids[from] = 0;
            lengths[from] = 0;
        }
    }
    if (from < 0)
        return;
    uint4* cache = caches[blockIdx.x / HEADS];
    const int head = blockIdx.x % HEADS;
    const uint4* __restrict__ source = cache + ((long long)from * HEADS + head) * capacity * VECTORS;
    uint4* __restrict__ target = cache + ((long long)to * HEADS + head) * capacity * VECTORS;
    for (int i = threadIdx.x; i < positions * VECTORS; i += THREADS)
        target[i] = source[i];
}
