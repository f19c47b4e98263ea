// Attention within windows: each position looks at all of its window.
//   packed [windows, POSITIONS, 3 * HEADS * SIZE], queries, keys and values of all heads; result [windows, POSITIONS, HEADS * SIZE], of 16-bit floats.
// A block takes a head of a window, a warp sixteen of its queries. Scores are made twice, for the highest of a row and for its weights: with all of them in
// registers a processor had half as many warps.

#define THREADS (POSITIONS / 16 * 32)
#define CHUNKS (SIZE / 8)
#define TILES (POSITIONS / 8)
#define LOWEST -1e30f
#define ONES 0x3c003c00 // two of 16 bits

// Eight neighbouring rows lie in different banks.
__device__ __forceinline__ int place(int row, int chunk) { return row * CHUNKS + (chunk ^ (row / (8 / CHUNKS) & (CHUNKS - 1))); }

// Scores of sixteen queries and as many keys.
__device__ __forceinline__ void score(float (&scores)[2][4], const word (&query)[SIZE / 16][4], const uint4* keys, int step)
{
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int j = 0; j < 2; j++)
        scores[j][0] = scores[j][1] = scores[j][2] = scores[j][3] = 0;
#pragma unroll
    for (int k = 0; k < SIZE / 16; k++)
    {
        word key[4];
        matrices(key, keys + place(step * 16 + lane / 16 * 8 + lane % 8, k * 2 + lane / 8 % 2));
        multiply(scores[0], query[k], key[0], key[1]);
        multiply(scores[1], query[k], key[2], key[3]);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 3) window_attention(const uint4* __restrict__ packed, word* __restrict__ result, float scale)
{
    __shared__ uint4 memory[3][POSITIONS * CHUNKS];
    const int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
    const int head = blockIdx.x % HEADS;
    const long long window = blockIdx.x / HEADS;
    const uint4* from = packed + window * POSITIONS * (3 * HEADS * CHUNKS) + head * CHUNKS;
#pragma unroll
    for (int part = 0; part < 3; part++)
    {
#pragma unroll
        for (int i = threadIdx.x; i < POSITIONS * CHUNKS; i += THREADS)
            fetch(memory[part] + place(i / CHUNKS, i % CHUNKS), from + (i / CHUNKS * 3 + part) * (HEADS * CHUNKS) + i % CHUNKS, true);
        fetched();
    }

    // Queries and keys; values may still be on their way.
    landed<1>();
    __syncthreads();
    word query[SIZE / 16][4];
#pragma unroll
    for (int k = 0; k < SIZE / 16; k++)
        matrices(query[k], memory[0] + place(warp * 16 + lane % 16, k * 2 + lane / 16));

    // Of rows lane / 4 and lane / 4 + 8.
    float most0 = LOWEST, most1 = LOWEST;
#pragma unroll
    for (int k = 0; k < TILES / 2; k++)
    {
        float scores[2][4];
        score(scores, query, memory[1], k);
#pragma unroll
        for (int j = 0; j < 2; j++)
        {
            most0 = fmaxf(most0, fmaxf(scores[j][0], scores[j][1]));
            most1 = fmaxf(most1, fmaxf(scores[j][2], scores[j][3]));
        }
    }
#pragma unroll
    for (int far = 2; far > 0; far /= 2)
    {
        most0 = fmaxf(most0, __shfl_xor_sync(0xffffffff, most0, far));
        most1 = fmaxf(most1, __shfl_xor_sync(0xffffffff, most1, far));
    }

    landed<0>();
    __syncthreads();
    const float base0 = most0 * scale, base1 = most1 * scale;
    // A column of ones makes each row's total.
    float totals[4] = {0, 0, 0, 0}, sums[CHUNKS][4];
#pragma unroll
    for (int i = 0; i < CHUNKS; i++)
        sums[i][0] = sums[i][1] = sums[i][2] = sums[i][3] = 0;
#pragma unroll
    for (int k = 0; k < TILES / 2; k++)
    {
        float scores[2][4];
        score(scores, query, memory[1], k);
        // As the scores lie in registers they are the next product's left side.
        word left[4];
#pragma unroll
        for (int j = 0; j < 2; j++)
        {
            left[j * 2] = pack(exp2_fast(scores[j][0] * scale - base0), exp2_fast(scores[j][1] * scale - base0));
            left[j * 2 + 1] = pack(exp2_fast(scores[j][2] * scale - base1), exp2_fast(scores[j][3] * scale - base1));
        }
        multiply(totals, left, ONES, ONES);
#pragma unroll
        for (int i = 0; i < CHUNKS; i += 2)
        {
            word values[4];
            transposed(values, memory[2] + place(k * 16 + lane % 16, i + lane / 16));
            multiply(sums[i], left, values[0], values[1]);
            multiply(sums[i + 1], left, values[2], values[3]);
        }
    }

    const float last0 = reciprocal(totals[0]), last1 = reciprocal(totals[2]);
    word* to = result + ((window * POSITIONS + warp * 16 + lane / 4) * HEADS + head) * (SIZE / 2) + lane % 4;
#pragma unroll
    for (int i = 0; i < CHUNKS; i++)
    {
        to[i * 4] = pack(sums[i][0] * last0, sums[i][1] * last0);
        to[i * 4 + 8 * HEADS * (SIZE / 2)] = pack(sums[i][2] * last1, sums[i][3] * last1);
    }
}
