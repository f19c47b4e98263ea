// x = activation(x + bias), or x + bias + added, for rows of COLUMNS 16-bit floats; the bias has 32 bits. A thread takes UNROLL times eight values.

#define THREADS 256
#define UNROLL 4
#define VECTORS (COLUMNS / 8)

extern "C" __global__ void __launch_bounds__(THREADS) linear_tail(
    uint4* x, const float* __restrict__ bias, const uint4* __restrict__ added, unsigned long long vectors)
{
    // From the end to the beginning: what the product in front wrote last is still in the second-level cache, and so is what the next reads first.
    unsigned long long first = (unsigned long long)(gridDim.x - 1 - blockIdx.x) * (THREADS * UNROLL) + threadIdx.x;
    uint4 in[UNROLL];
#pragma unroll
    for (int i = 0; i < UNROLL; i++)
    {
        unsigned long long at = first + i * THREADS;
        if (at < vectors)
            in[i] = __ldcs(x + at);
    }

#pragma unroll
    for (int i = 0; i < UNROLL; i++)
    {
        unsigned long long at = first + i * THREADS;
        if (at >= vectors)
            return;
        float values[8], more[8];
        unpack(in[i], values);
        load(bias + (unsigned)(at % VECTORS) * 8, more);
#pragma unroll
        for (int c = 0; c < 8; c++)
            values[c] += more[c];
#if ADDED
        unpack(__ldcs(added + at), more);
#pragma unroll
        for (int c = 0; c < 8; c++)
            values[c] += more[c];
#endif
#pragma unroll
        for (int c = 0; c < 8; c++)
            values[c] = activate<ACTIVATION>(values[c]);
        x[at] = pack(values);
    }
}
