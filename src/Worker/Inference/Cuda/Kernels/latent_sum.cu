// Adds up what blocks that share an image's positions found: [images, blocks of queries, shares, QUERIES, WIDTH + 2] of floats, of each query its weighted
// states, the highest score and the weights' sum; to [images, rows, WIDTH] of 16-bit floats. A block takes a query.

#define THREADS 128

extern "C" __global__ void __launch_bounds__(THREADS) latent_sum(const float2* __restrict__ found, word* __restrict__ result, int rows, int shares)
{
    const int row = blockIdx.x, image = blockIdx.y, blocks = (rows + QUERIES - 1) / QUERIES;
    const int step = QUERIES * (WIDTH / 2 + 1);
    found += ((long long)(image * blocks + row / QUERIES) * shares * QUERIES + row % QUERIES) * (WIDTH / 2 + 1);
    result += ((long long)image * rows + row) * (WIDTH / 2);
    float factors[MOST_SHARES], highest = -1e30f, total = 0;
#pragma unroll
    for (int s = 0; s < MOST_SHARES; s++)
    {
        const float2 ends = s < shares ? found[s * step + WIDTH / 2] : make_float2(-1e30f, 0);
        const float most = fmaxf(highest, ends.x), fade = exp2_fast(highest - most);
#pragma unroll
        for (int other = 0; other < s; other++)
            factors[other] *= fade;
        factors[s] = exp2_fast(ends.x - most);
        total = total * fade + ends.y * factors[s];
        highest = most;
    }

    const float whole = 1.0f / total;
    for (int i = threadIdx.x; i < WIDTH / 2; i += THREADS)
    {
        float2 sum = make_float2(0, 0);
#pragma unroll
        for (int s = 0; s < MOST_SHARES; s++)
        {
            const float2 more = s < shares ? found[s * step + i] : make_float2(0, 0);
            sum.x += more.x * factors[s];
            sum.y += more.y * factors[s];
        }
        result[i] = pack(sum.x * whole, sum.y * whole);
    }
}
