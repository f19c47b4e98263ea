// One token of each row of a decoder whose queries share keys, GROUP queries a head of keys: adds the bias (BIAS), rotates queries and key (ROTATE), adds
// key and value to the row's cache, attends to all of it.
//   packed [rows, (KEY_HEADS * GROUP + 2 * KEY_HEADS) * SIZE]: queries, keys, values; bias the same of one row; keys and values
//   [rows, KEY_HEADS, capacity, SIZE]; cosines and sines [positions, SIZE / 2]; result [rows, KEY_HEADS * GROUP * SIZE], of 16-bit floats.
//   lengths: positions in the cache already, [rows] of 32 bits, or one for all rows of 64 bits (SAME_LENGTH).
// A block takes a row's queries of one head of keys. LANES threads take a position, eight values each, UNROLL positions at a time.

#define THREADS (WARPS * 32)
#define LANES (SIZE / 8)
#define SLOTS (THREADS / LANES)
#define UNROLL 2
#define LOWEST -1e30f
#define ALL 0xffffffff

// Halves turn against each other: x_i cos - x_(i + SIZE / 2) sin, x_(i + SIZE / 2) cos + x_i sin.
__device__ __forceinline__ void rotate(float* x, const float* cosine, const float* sine, int lane)
{
#pragma unroll
    for (int i = 0; i < 8; i++)
    {
        const float other = __shfl_xor_sync(ALL, x[i], LANES / 2);
        x[i] = x[i] * cosine[i] + (lane < LANES / 2 ? -other : other) * sine[i];
    }
}

__device__ __forceinline__ void read(const uint4* packed, const uint4* bias, int at, float* x)
{
    unpack(packed[at], x);
#if BIAS
    float more[8];
    unpack(__ldg(bias + at), more);
#pragma unroll
    for (int i = 0; i < 8; i++)
        x[i] += more[i];
#endif
}

// A query's score of a key, summed over the lanes that share it.
__device__ __forceinline__ float score(const float* query, const float* key)
{
    float sum = 0;
#pragma unroll
    for (int i = 0; i < 8; i++)
        sum += query[i] * key[i];
#pragma unroll
    for (int far = LANES / 2; far > 0; far /= 2)
        sum += __shfl_xor_sync(ALL, sum, far);
    return sum;
}

// What a thread found: of each query the highest score, the weights' sum and the weighted values.
struct Found
{
    float highest[GROUP], total[GROUP], sums[GROUP][8];
};

__device__ __forceinline__ void merge(Found& into, int g, float highest, float total, const float* sums)
{
    const float most = fmaxf(into.highest[g], highest);
    const float mine = exp2_fast(into.highest[g] - most), theirs = exp2_fast(highest - most);
    into.highest[g] = most;
    into.total[g] = into.total[g] * mine + total * theirs;
#pragma unroll
    for (int i = 0; i < 8; i++)
        into.sums[g][i] = into.sums[g][i] * mine + sums[i] * theirs;
}

extern "C" __global__ void __launch_bounds__(THREADS) group_query_step(
    const uint4* __restrict__ packed, const uint4* __restrict__ bias, uint4* keys, uint4* values, const void* __restrict__ lengths,
    const uint4* __restrict__ cosines, const uint4* __restrict__ sines, uint4* __restrict__ result, int capacity, float scale)
{
    __shared__ float ends[2][WARPS][GROUP];
    __shared__ float4 rest[WARPS][GROUP][LANES][2];

    const int head = blockIdx.x, row = blockIdx.y;
    const int lane = threadIdx.x % LANES, slot = threadIdx.x / LANES;
#if SAME_LENGTH
    const int length = (int)*reinterpret_cast<const long long*>(lengths);
#else
    const int length = reinterpret_cast<const int*>(lengths)[row];
#endif
    packed += (long long)row * (KEY_HEADS * GROUP + 2 * KEY_HEADS) * LANES;
    keys += ((long long)row * KEY_HEADS + head) * capacity * LANES;
    values += ((long long)row * KEY_HEADS + head) * capacity * LANES;

#if ROTATE
    float cosine[8], sine[8];
    unpack(cosines[length * (LANES / 2) + lane % (LANES / 2)], cosine);
    unpack(sines[length * (LANES / 2) + lane % (LANES / 2)], sine);
#endif
    float query[GROUP][8];
#pragma unroll
    for (int g = 0; g < GROUP; g++)
    {
        read(packed, bias, (head * GROUP + g) * LANES + lane, query[g]);
#if ROTATE
        rotate(query[g], cosine, sine, lane);
#endif
#pragma unroll
        for (int i = 0; i < 8; i++)
            query[g][i] *= scale;
    }

    float key[8], value[8];
    read(packed, bias, (KEY_HEADS * GROUP + head) * LANES + lane, key);
#if ROTATE
    rotate(key, cosine, sine, lane);
#endif
    read(packed, bias, (KEY_HEADS * GROUP + KEY_HEADS + head) * LANES + lane, value);
    const uint4 newest = pack(value);
    if (slot == 0)
    {
        keys[length * LANES + lane] = pack(key);
        values[length * LANES + lane] = newest;
    }

    // The row's own token is the first slot's; it does not come from the cache.
    unpack(pack(key), key);
    unpack(newest, value);
    Found found;
#pragma unroll
    for (int g = 0; g < GROUP; g++)
    {
        const float own = score(query[g], key);
#pragma unroll
        for (int i = 0; i < 8; i++)
            found.sums[g][i] = slot == 0 ? value[i] : 0;
        found.highest[g] = slot == 0 ? own : LOWEST;
        found.total[g] = slot == 0 ? 1.0f : 0.0f;
    }

    for (int start = 0; start < length; start += SLOTS * UNROLL)
    {
        uint4 keyed[UNROLL], valued[UNROLL];
        bool there[UNROLL];
#pragma unroll
        for (int u = 0; u < UNROLL; u++)
        {
            const int at = start + u * SLOTS + slot;
            there[u] = at < length;
            keyed[u] = there[u] ? keys[at * LANES + lane] : make_uint4(0, 0, 0, 0);
            valued[u] = there[u] ? values[at * LANES + lane] : make_uint4(0, 0, 0, 0);
        }
#pragma unroll
        for (int u = 0; u < UNROLL; u++)
        {
            unpack(keyed[u], key);
            unpack(valued[u], value);
#pragma unroll
            for (int g = 0; g < GROUP; g++)
            {
                const float other = score(query[g], key);
                if (there[u])
                    merge(found, g, other, 1.0f, value);
            }
        }
    }

    // The slots of a warp, then the warps.
#pragma unroll
    for (int far = LANES; far < 32; far *= 2)
    {
#pragma unroll
        for (int g = 0; g < GROUP; g++)
        {
            const float highest = __shfl_xor_sync(ALL, found.highest[g], far), total = __shfl_xor_sync(ALL, found.total[g], far);
            float sums[8];
#pragma unroll
            for (int i = 0; i < 8; i++)
                sums[i] = __shfl_xor_sync(ALL, found.sums[g][i], far);
            merge(found, g, highest, total, sums);
        }
    }

    const int warp = threadIdx.x / 32;
    if (threadIdx.x % 32 < LANES)
    {
#pragma unroll
        for (int g = 0; g < GROUP; g++)
        {
            ends[0][warp][g] = found.highest[g];
            ends[1][warp][g] = found.total[g];
            rest[warp][g][lane][0] = make_float4(found.sums[g][0], found.sums[g][1], found.sums[g][2], found.sums[g][3]);
            rest[warp][g][lane][1] = make_float4(found.sums[g][4], found.sums[g][5], found.sums[g][6], found.sums[g][7]);
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < GROUP * LANES; i += THREADS)
    {
        const int g = i / LANES, part = i % LANES;
        float most = LOWEST, total = 0, sums[8] = {};
        for (int w = 0; w < WARPS; w++)
            most = fmaxf(most, ends[0][w][g]);
        for (int w = 0; w < WARPS; w++)
        {
            const float factor = exp2_fast(ends[0][w][g] - most);
            float more[8];
            load(rest[w][g][part][0], more);
            load(rest[w][g][part][1], more + 4);
            total += ends[1][w][g] * factor;
#pragma unroll
            for (int c = 0; c < 8; c++)
                sums[c] += more[c] * factor;
        }
#pragma unroll
        for (int c = 0; c < 8; c++)
            sums[c] /= total;
        result[((long long)row * KEY_HEADS * GROUP + head * GROUP + g) * LANES + part] = pack(sums);
    }
}
