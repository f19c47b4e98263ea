// n = layer norm of a + shift, or of a + b + shift, over rows of CHANNELS 16-bit floats. LANES threads take a row, EACH times eight values each; where
// LANES is not the row's eighth, it is 32. SHIFT says whether there is one, WHOLE whether the sum is written to s. n may be a.

#define THREADS 256
#define VECTORS (CHANNELS / 8)
#define LANES (VECTORS < 32 ? VECTORS : 32)
#define EACH ((VECTORS + LANES - 1) / LANES)

__device__ __forceinline__ float sum_of_row(float x)
{
#pragma unroll
    for (int far = LANES / 2; far > 0; far /= 2)
        x += __shfl_xor_sync(0xffffffff, x, far);
    return x;
}

extern "C" __global__ void __launch_bounds__(THREADS) row_norm(
    const uint4* a, const uint4* __restrict__ b, const float* __restrict__ shift, const float* __restrict__ gamma,
    const float* __restrict__ beta, uint4* __restrict__ s, uint4* n, unsigned long long rows)
{
    const unsigned long long row = ((unsigned long long)blockIdx.x * THREADS + threadIdx.x) / LANES, first = row * VECTORS;
    const int lane = threadIdx.x % LANES;
    float x[EACH][8], sum = 0, squares = 0;
#pragma unroll
    for (int i = 0; i < EACH; i++)
    {
        const int at = i * LANES + lane;
        // Where a thread has no row, others of its warp wait for it all the same.
        const bool real = row < rows && at < VECTORS;
        unpack(real ? __ldcs(a + first + at) : make_uint4(0, 0, 0, 0), x[i]);
#if SUM
        float second[8];
        unpack(real ? __ldcs(b + first + at) : make_uint4(0, 0, 0, 0), second);
#pragma unroll
        for (int c = 0; c < 8; c++)
            x[i][c] += second[c];
#endif
#if SHIFT
        if (at < VECTORS)
        {
            float more[8];
            load(shift + at * 8, more);
#pragma unroll
            for (int c = 0; c < 8; c++)
                x[i][c] += more[c];
        }
#endif
#if WHOLE
        if (real)
            s[first + at] = pack(x[i]);
#endif
#pragma unroll
        for (int c = 0; c < 8; c++)
            sum += x[i][c];
    }

    const float mean = sum_of_row(sum) * (1.0f / CHANNELS);
#pragma unroll
    for (int i = 0; i < EACH; i++)
    {
#pragma unroll
        for (int c = 0; c < 8; c++)
            squares += i * LANES + lane < VECTORS ? (x[i][c] - mean) * (x[i][c] - mean) : 0;
    }

    const float factor = rsqrtf(sum_of_row(squares) * (1.0f / CHANNELS) + EPSILON);
    if (row >= rows)
        return;
#pragma unroll
    for (int i = 0; i < EACH; i++)
    {
        const int at = i * LANES + lane;
        if (at >= VECTORS)
            return;
        float scale[8], offset[8];
        load(gamma + at * 8, scale);
        load(beta + at * 8, offset);
#pragma unroll
        for (int c = 0; c < 8; c++)
            x[i][c] = (x[i][c] - mean) * factor * scale[c] + offset[c];
        n[first + at] = pack(x[i]);
    }
}
