// n = layer norm of a + shift, or of a + b + shift, over rows of CHANNELS 16-bit floats, 256 at most. LANES threads take a row, eight values each.

#define THREADS 256
#define LANES (CHANNELS / 8)

extern "C" __global__ void __launch_bounds__(THREADS) row_norm(
    const uint4* __restrict__ a, const uint4* __restrict__ b, const float* __restrict__ shift, const float* __restrict__ gamma,
    const float* __restrict__ beta, uint4* __restrict__ n, unsigned long long vectors)
{
    const unsigned long long at = (unsigned long long)blockIdx.x * THREADS + threadIdx.x;
    const int lane = threadIdx.x % LANES;
    float x[8], more[8];
    // Rows are whole: where one thread of a warp has none, its row has none, and others of the warp wait for it all the same.
    const bool real = at < vectors;
    unpack(real ? __ldcs(a + at) : make_uint4(0, 0, 0, 0), x);
    load(shift + lane * 8, more);
#pragma unroll
    for (int c = 0; c < 8; c++)
        x[c] += more[c];
#if SUM
    unpack(real ? __ldcs(b + at) : make_uint4(0, 0, 0, 0), more);
#pragma unroll
    for (int c = 0; c < 8; c++)
        x[c] += more[c];
#endif
    float sum = 0, squares = 0;
#pragma unroll
    for (int c = 0; c < 8; c++)
        sum += x[c];
#pragma unroll
    for (int far = LANES / 2; far > 0; far /= 2)
        sum += __shfl_xor_sync(0xffffffff, sum, far);
    const float mean = sum * (1.0f / CHANNELS);
#pragma unroll
    for (int c = 0; c < 8; c++)
        squares += (x[c] - mean) * (x[c] - mean);
#pragma unroll
    for (int far = LANES / 2; far > 0; far /= 2)
        squares += __shfl_xor_sync(0xffffffff, squares, far);
    const float factor = rsqrtf(squares * (1.0f / CHANNELS) + EPSILON);
    float scale[8], offset[8];
    load(gamma + lane * 8, scale);
    load(beta + lane * 8, offset);
#pragma unroll
    for (int c = 0; c < 8; c++)
        x[c] = (x[c] - mean) * factor * scale[c] + offset[c];
    if (real)
        n[at] = pack(x);
}
