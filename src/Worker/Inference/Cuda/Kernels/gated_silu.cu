// y = silu(x) * z of rows that hold x and z side by side, COLUMNS 16-bit floats each. A thread takes UNROLL times eight values.

#define THREADS 256
#define UNROLL 2
#define VECTORS (COLUMNS / 8)

extern "C" __global__ void __launch_bounds__(THREADS) gated_silu(const uint4* __restrict__ both, uint4* __restrict__ y, unsigned long long vectors)
{
    const unsigned long long first = (unsigned long long)blockIdx.x * (THREADS * UNROLL) + threadIdx.x;
    uint4 gates[UNROLL], others[UNROLL];
#pragma unroll
    for (int i = 0; i < UNROLL; i++)
    {
        const unsigned long long at = first + i * THREADS;
        if (at < vectors)
        {
            const uint4* row = both + at / VECTORS * (2 * VECTORS) + at % VECTORS;
            gates[i] = __ldcs(row);
            others[i] = __ldcs(row + VECTORS);
        }
    }

#pragma unroll
    for (int i = 0; i < UNROLL; i++)
    {
        const unsigned long long at = first + i * THREADS;
        if (at >= vectors)
            return;
        float gate[8], other[8];
        unpack(gates[i], gate);
        unpack(others[i], other);
#pragma unroll
        for (int c = 0; c < 8; c++)
            gate[c] *= other[c] * reciprocal(1.0f + exp2_fast(-1.44269504f * gate[c]));
        y[at] = pack(gate);
    }
}
