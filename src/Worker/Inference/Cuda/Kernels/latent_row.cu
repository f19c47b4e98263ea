// latent_attention.cu's function for few images: a block takes one query and a share of the positions. States are read once a query, which costs little
// while all of them fit into the second-level cache, and every processor has work. WIDTH is a multiple of 256.
// What blocks that share a query's positions found goes to the workspace, and latent_sum.cu adds it up.

#define WARPS 8
#define THREADS (WARPS * 32)
#define CHUNKS (WIDTH / 8)
#define EACH (CHUNKS / 32)
#define UNROLL 2
#define LOWEST -1e30f
#define ALL 0xffffffff

extern "C" __global__ void __launch_bounds__(THREADS) latent_row(
    const uint4* __restrict__ queries, const uint4* __restrict__ states, word* __restrict__ result, float* __restrict__ workspace, int rows,
    int positions, float scale)
{
    __shared__ float rest[WARPS][WIDTH];
    __shared__ float highests[WARPS], totals[WARPS];

    const int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
    const int group = blockIdx.y * rows + blockIdx.x, shares = gridDim.z;
    const int each = (positions + shares - 1) / shares, begin = blockIdx.z * each, end = min(positions, begin + each);
    states += (long long)blockIdx.y * positions * CHUNKS;

    float query[EACH][8], sums[EACH][8], highest = LOWEST, total = 0;
#pragma unroll
    for (int k = 0; k < EACH; k++)
    {
        unpack(queries[(long long)group * CHUNKS + k * 32 + lane], query[k]);
#pragma unroll
        for (int c = 0; c < 8; c++)
        {
            query[k][c] *= scale;
            sums[k][c] = 0;
        }
    }

    for (int at = begin + warp; at < end; at += WARPS * UNROLL)
    {
        uint4 loaded[UNROLL][EACH];
#pragma unroll
        for (int u = 0; u < UNROLL; u++)
        {
#pragma unroll
            for (int k = 0; k < EACH; k++)
                loaded[u][k] = at + u * WARPS < end ? __ldg(states + (long long)(at + u * WARPS) * CHUNKS + k * 32 + lane) : make_uint4(0, 0, 0, 0);
        }
#pragma unroll
        for (int u = 0; u < UNROLL; u++)
        {
            float state[EACH][8], score = 0;
#pragma unroll
            for (int k = 0; k < EACH; k++)
            {
                unpack(loaded[u][k], state[k]);
#pragma unroll
                for (int c = 0; c < 8; c++)
                    score += query[k][c] * state[k][c];
            }
#pragma unroll
            for (int far = 16; far > 0; far /= 2)
                score += __shfl_xor_sync(ALL, score, far);
            if (at + u * WARPS >= end)
                break;
            const float most = fmaxf(highest, score), fade = exp2_fast(highest - most), weight = exp2_fast(score - most);
            highest = most;
            total = total * fade + weight;
#pragma unroll
            for (int k = 0; k < EACH; k++)
            {
#pragma unroll
                for (int c = 0; c < 8; c++)
                    sums[k][c] = sums[k][c] * fade + weight * state[k][c];
            }
        }
    }

#pragma unroll
    for (int k = 0; k < EACH; k++)
    {
        float4* to = reinterpret_cast<float4*>(rest[warp] + (k * 32 + lane) * 8);
        to[0] = make_float4(sums[k][0], sums[k][1], sums[k][2], sums[k][3]);
        to[1] = make_float4(sums[k][4], sums[k][5], sums[k][6], sums[k][7]);
    }
    if (lane == 0)
    {
        highests[warp] = highest;
        totals[warp] = total;
    }
    __syncthreads();
    highest = LOWEST;
    total = 0;
    float factors[WARPS];
#pragma unroll
    for (int w = 0; w < WARPS; w++)
        highest = fmaxf(highest, highests[w]);
#pragma unroll
    for (int w = 0; w < WARPS; w++)
    {
        factors[w] = exp2_fast(highests[w] - highest);
        total += totals[w] * factors[w];
    }

    float* found = workspace + (long long)(group * shares + blockIdx.z) * (WIDTH + 2);
    const float whole = 1.0f / total;
    for (int i = threadIdx.x; i < WIDTH / 2; i += THREADS)
    {
        float2 sum = make_float2(0, 0);
#pragma unroll
        for (int w = 0; w < WARPS; w++)
        {
            sum.x += rest[w][2 * i] * factors[w];
            sum.y += rest[w][2 * i + 1] * factors[w];
        }
        if (shares > 1)
            reinterpret_cast<float2*>(found)[i] = sum;
        else
            result[(long long)group * (WIDTH / 2) + i] = pack(sum.x * whole, sum.y * whole);
    }
    if (shares > 1 && threadIdx.x == 0)
        *reinterpret_cast<float2*>(found + WIDTH) = make_float2(highest, total);
}
