// x = gelu(x + bias), the GELU of erf or of tanh, for rows of COLUMNS 16-bit floats. A thread takes UNROLL times eight values.

#define THREADS 256
#define UNROLL 4
#define VECTORS (COLUMNS / 8)

__device__ __forceinline__ float gelu(float x)
{
#if TANH
    // x * sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3); 2 / ln 2 is in the constants.
    float u = x * (2.3022081f + 0.1029432f * x * x);
    return x * reciprocal(1.0f + exp2_fast(-u));
#else
    // Abramowitz and Stegun 7.1.26: erfc(z) = t (a1 + t (a2 + ...)) exp(-z^2), t = 1 / (1 + p z); off by 1.5e-7 at most.
    float z = fabsf(x) * 0.70710678f;
    float t = reciprocal(1.0f + 0.3275911f * z);
    float sum = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    float tail = 0.5f * fabsf(x) * sum * exp2_fast(-1.44269504f * z * z);
    return fmaxf(x, 0.0f) - tail;
#endif
}

extern "C" __global__ void __launch_bounds__(THREADS) bias_gelu(
    uint4* x, const uint4* __restrict__ bias, unsigned long long vectors)
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
        float values[8], shift[8];
        unpack(in[i], values);
        unpack(__ldg(bias + (unsigned)(at % VECTORS)), shift);
#pragma unroll
        for (int c = 0; c < 8; c++)
            values[c] = gelu(values[c] + shift[c]);
        x[at] = pack(values);
    }
}
