// Of maps [images, HEIGHT, WIDTH, CHANNELS] of 16-bit floats, channels last:
//   x = a, or a + b + shift
//   y = a depthwise convolution of x, 3 x 3, borders of zeros, and its bias
//   n = layer norm of y over the channels
// Where IN_SIDE or OUT_SIDE is not 0, b or n has its places window by window, windows of as many places on a side, row by row in each.
// A block takes ROWS rows and STRIP columns (a multiple of four) of an image, four columns at a time; a thread takes eight channels.

#define THREADS 256
#define STEP 4
#define GROUP (CHANNELS / 8)
#define ROWS (THREADS / GROUP)
#define LANES (GROUP < 32 ? GROUP : 32)
#define WARPS (GROUP / LANES)

template <int SIDE>
__device__ __forceinline__ int place(int row, int column)
{
    if (SIDE == 0)
        return row * WIDTH + column;
    const int side = SIDE == 0 ? 1 : SIDE;
    return ((row / side * (WIDTH / side) + column / side) * side + row % side) * side + column % side;
}

// Loads of several columns are asked for before the first is used.
struct Column
{
    uint4 a;
#if SUM
    uint4 b;
#endif
    bool inside;
};

__device__ __forceinline__ void fetch(const uint4* a, const uint4* b, int row, int column, Column& to)
{
    const uint4 zero = make_uint4(0, 0, 0, 0);
    to.inside = (unsigned)row < HEIGHT && (unsigned)column < WIDTH;
    to.a = to.inside ? __ldg(a + place<0>(row, column) * GROUP) : zero;
#if SUM
    to.b = to.inside ? __ldg(b + place<IN_SIDE>(row, column) * GROUP) : zero;
#endif
}

__device__ __forceinline__ void read(const Column& from, const float* shift, float* x)
{
    unpack(from.a, x);
#if SUM
    float more[8];
    unpack(from.b, more);
#pragma unroll
    for (int c = 0; c < 8; c++)
        x[c] += more[c] + (from.inside ? shift[c] : 0.0f);
#endif
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) depthwise_norm(
    const uint4* __restrict__ a, const uint4* __restrict__ b, const float* __restrict__ shift, const float* __restrict__ weight,
    const float* __restrict__ bias, const float* __restrict__ gamma, const float* __restrict__ beta, uint4* __restrict__ y, uint4* __restrict__ n)
{
    extern __shared__ float4 weights[];
    __shared__ float2 parts[2][ROWS][WARPS][STEP];
    // Of each tap the first four channels of all threads, then the other four: neighbours read from different banks.
    for (int i = threadIdx.x; i < 9 * CHANNELS / 4; i += THREADS)
        weights[i / (2 * GROUP) * (2 * GROUP) + i % 2 * GROUP + i % (2 * GROUP) / 2] = reinterpret_cast<const float4*>(weight)[i];
    __syncthreads();

    const int lane = threadIdx.x % GROUP, local = threadIdx.x / GROUP;
    const int row = blockIdx.y * ROWS + local;
    // From the last image to the first: what the product in front wrote last is still in the second-level cache, and so is what the next reads first.
    const long long image = (long long)(gridDim.z - 1 - blockIdx.z) * HEIGHT * WIDTH * GROUP;
    a += image + lane;
    b += image + lane;
    y += image + lane;
    n += image + lane;
    float shifts[8];
#if SUM
    load(shift + lane * 8, shifts);
#endif
    const int end = min(WIDTH, (int)(blockIdx.x + 1) * STRIP);
    for (int column = blockIdx.x * STRIP, turn = 0; column < end; column += STEP, turn ^= 1)
    {
        float sums[STEP][8];
#pragma unroll
        for (int s = 0; s < STEP; s++)
            load(bias + lane * 8, sums[s]);
#pragma unroll
        for (int dy = 0; dy < 3; dy++)
        {
            Column columns[STEP + 2];
#pragma unroll
            for (int j = 0; j < STEP + 2; j++)
                fetch(a, b, row + dy - 1, column + j - 1, columns[j]);
            float taps[3][8];
#pragma unroll
            for (int dx = 0; dx < 3; dx++)
            {
                load(weights[((dy * 3 + dx) * 2) * GROUP + lane], taps[dx]);
                load(weights[((dy * 3 + dx) * 2 + 1) * GROUP + lane], taps[dx] + 4);
            }
#pragma unroll
            for (int j = 0; j < STEP + 2; j++)
            {
                float x[8];
                read(columns[j], shifts, x);
#pragma unroll
                for (int dx = 0; dx < 3; dx++)
                {
                    const int s = j - dx;
                    if (s >= 0 && s < STEP)
                    {
#pragma unroll
                        for (int c = 0; c < 8; c++)
                            sums[s][c] += taps[dx][c] * x[c];
                    }
                }
            }
        }

        float2 moments[STEP];
#pragma unroll
        for (int s = 0; s < STEP; s++)
        {
            float sum = 0, squares = 0;
#pragma unroll
            for (int c = 0; c < 8; c++)
            {
                sum += sums[s][c];
                squares += sums[s][c] * sums[s][c];
            }
#pragma unroll
            for (int far = LANES / 2; far > 0; far /= 2)
            {
                sum += __shfl_xor_sync(0xffffffff, sum, far);
                squares += __shfl_xor_sync(0xffffffff, squares, far);
            }
            moments[s] = make_float2(sum, squares);
        }

        if (WARPS > 1)
        {
            if (lane % 32 == 0)
            {
#pragma unroll
                for (int s = 0; s < STEP; s++)
                    parts[turn][local][lane / LANES][s] = moments[s];
            }
            // Those of a row alone wait for each other.
            asm volatile("bar.sync %0, %1;" ::"r"(local + 1), "r"(GROUP) : "memory");
#pragma unroll
            for (int s = 0; s < STEP; s++)
            {
                moments[s] = make_float2(0, 0);
#pragma unroll
                for (int w = 0; w < WARPS; w++)
                {
                    moments[s].x += parts[turn][local][w][s].x;
                    moments[s].y += parts[turn][local][w][s].y;
                }
            }
        }

        float scale[8], offset[8];
        load(gamma + lane * 8, scale);
        load(beta + lane * 8, offset);
#pragma unroll
        for (int s = 0; s < STEP; s++)
        {
            if (row >= HEIGHT || column + s >= WIDTH)
                continue;
            y[place<0>(row, column + s) * GROUP] = pack(sums[s]);
            float mean = moments[s].x * (1.0f / CHANNELS);
            float factor = rsqrtf(fmaxf(moments[s].y * (1.0f / CHANNELS) - mean * mean, 0.0f) + EPSILON);
            float normed[8];
#pragma unroll
            for (int c = 0; c < 8; c++)
                normed[c] = (sums[s][c] - mean) * factor * scale[c] + offset[c];
            n[place<OUT_SIDE>(row, column + s) * GROUP] = pack(normed);
        }
    }
}
