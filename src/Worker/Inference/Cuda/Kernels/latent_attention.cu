// Attention of few queries an image to the encoder's states themselves, which are keys and values at once: scores and sums are over all WIDTH values.
//   queries [images, rows, WIDTH], states [images, positions, WIDTH], result [images, rows, WIDTH], of 16-bit floats.
// A block takes sixteen of an image's queries. Each of its WARPS warps has a share of the width to itself, in scores and in sums, so that the only
// thing that warps exchange is scores. States come by cp.async, TILE positions at a time, two tiles in turn. Where there are few images several blocks
// share an image's positions (SHARED_POSITIONS); what each found goes to the workspace, and latent_sum.cu adds it up.

#define THREADS (WARPS * 32)
#define SHARE (WIDTH / WARPS)
#define CHUNKS (WIDTH / 8)
#define DEPTH (SHARE / 16)
#define SPREAD (SHARE / 8)
#define COLUMNS (TILE / 8)
#define LOWEST -1e30f

// Sixteen bytes of a tile. Neighbouring rows lie in different banks.
__device__ __forceinline__ int place(int row, int chunk) { return row * CHUNKS + (chunk ^ (row & 7)); }

__device__ __forceinline__ void fetch_chunk(uint4* tile, const uint4* states, int first, int positions, int row, int chunk)
{
    const bool real = first + row < positions;
    const uint4* from = states + (long long)(real ? first + row : 0) * CHUNKS + chunk;
    fetch(tile + place(row, chunk), from, real);
}

// A warp's share of a tile.
__device__ __forceinline__ void fetch(uint4* tile, const uint4* states, int first, int positions, int share)
{
    const int lane = threadIdx.x & 31, per = SHARE / 8;
    if (per % 8 == 0)
    {
        // Eight lanes take 128 bytes of a row: where they lie differs by constants from turn to turn.
#pragma unroll
        for (int row = 0; row < TILE; row += 4)
        {
#pragma unroll
            for (int chunk = 0; chunk < per; chunk += 8)
                fetch_chunk(tile, states, first, positions, row + lane / 8, share * per + chunk + lane % 8);
        }
    }
    else
    {
        for (int i = lane; i < TILE * per; i += 32)
            fetch_chunk(tile, states, first, positions, i / per, share * per + i % per);
    }
    fetched();
}

extern "C" __global__ void __launch_bounds__(THREADS) latent_attention(
    const word* __restrict__ queries, const uint4* __restrict__ states, word* __restrict__ result, float* __restrict__ workspace, int rows,
    int positions, float scale)
{
    extern __shared__ uint4 memory[];
    uint4* tiles = memory;                                                             // [2][TILE][CHUNKS]
    float* partial = reinterpret_cast<float*>(memory + 2 * TILE * CHUNKS);             // [WARPS][16][TILE]
    uint4* weights = reinterpret_cast<uint4*>(partial + WARPS * 16 * TILE);            // [16][TILE] of 16 bits, each row and 16 bytes more
    float* fade = reinterpret_cast<float*>(weights + 16 * (TILE / 8 + 1));             // [16]

    const int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
    // Every other block of a decoder goes through the images from the last to the first, which the second-level cache still has some of.
    const int first = blockIdx.x * 16, image = REVERSED ? gridDim.y - 1 - blockIdx.y : blockIdx.y;
    states += (long long)image * positions * CHUNKS;
    const int count = (positions + TILE - 1) / TILE;
#if SHARED_POSITIONS
    const int shares = gridDim.z, each = (count + shares - 1) / shares, begin = blockIdx.z * each, end = min(count, begin + each);
#else
    const int begin = 0, end = count;
#endif
    fetch(tiles, states, begin * TILE, positions, warp);

    // The queries of the warp's share: rows lane / 4 and lane / 4 + 8, columns 2 (lane % 4) and 8 more of each 16.
    word left[DEPTH][4];
    const long long base = (long long)image * rows;
#pragma unroll
    for (int k = 0; k < DEPTH; k++)
    {
#pragma unroll
        for (int part = 0; part < 4; part++)
        {
            const int row = first + lane / 4 + (part & 1) * 8;
            const int column = warp * SHARE + k * 16 + (part / 2) * 8 + (lane % 4) * 2;
            left[k][part] = row < rows ? queries[((base + row) * WIDTH + column) / 2] : 0;
        }
    }

    float sums[SPREAD][4];
#pragma unroll
    for (int i = 0; i < SPREAD; i++)
        sums[i][0] = sums[i][1] = sums[i][2] = sums[i][3] = 0;
    // Eight threads share a row of the scores.
    const int scored = threadIdx.x / 8, eighth = threadIdx.x % 8;
    float highest = LOWEST, total = 0;

    for (int t = begin; t < end; t++)
    {
        const uint4* tile = tiles + ((t - begin) & 1) * TILE * CHUNKS;
        if (t + 1 < end)
        {
            fetch(tiles + ((t + 1 - begin) & 1) * TILE * CHUNKS, states, (t + 1) * TILE, positions, warp);
            landed<1>();
        }
        else
        {
            landed<0>();
        }
        __syncwarp();

        float scores[TILE / 8][4];
#pragma unroll
        for (int j = 0; j < TILE / 8; j++)
            scores[j][0] = scores[j][1] = scores[j][2] = scores[j][3] = 0;
#pragma unroll
        for (int k = 0; k < DEPTH; k++)
        {
#pragma unroll
            for (int j = 0; j < TILE / 8; j += 2)
            {
                // Matrices: positions j * 8.. and the lower half of 16 columns, the same and the upper half, then the next eight positions.
                word right[4];
                matrices(right, tile + place(j * 8 + (lane / 16) * 8 + lane % 8, warp * (SHARE / 8) + k * 2 + (lane / 8) % 2));
                multiply(scores[j], left[k], right[0], right[1]);
                multiply(scores[j + 1], left[k], right[2], right[3]);
            }
        }

#pragma unroll
        for (int j = 0; j < TILE / 8; j++)
        {
            float* to = partial + (warp * 16 + lane / 4) * TILE + j * 8 + (lane % 4) * 2;
            *reinterpret_cast<float2*>(to) = make_float2(scores[j][0], scores[j][1]);
            *reinterpret_cast<float2*>(to + 8 * TILE) = make_float2(scores[j][2], scores[j][3]);
        }
        __syncthreads();

        if (threadIdx.x < 128)
        {
            float score[COLUMNS], most = highest;
#pragma unroll
            for (int c = 0; c < COLUMNS; c++)
            {
                score[c] = 0;
#pragma unroll
                for (int w = 0; w < WARPS; w++)
                    score[c] += partial[(w * 16 + scored) * TILE + eighth * COLUMNS + c];
                score[c] = t * TILE + eighth * COLUMNS + c < positions ? score[c] * scale : LOWEST;
                most = fmaxf(most, score[c]);
            }
#pragma unroll
            for (int far = 4; far > 0; far /= 2)
                most = fmaxf(most, __shfl_xor_sync(0xffffffff, most, far));
            const float factor = exp2_fast(highest - most);
            highest = most;
            float sum = 0;
#pragma unroll
            for (int c = 0; c < COLUMNS; c++)
                sum += score[c] = exp2_fast(score[c] - most);
#pragma unroll
            for (int far = 4; far > 0; far /= 2)
                sum += __shfl_xor_sync(0xffffffff, sum, far);
            total = total * factor + sum;
            word* to = reinterpret_cast<word*>(weights + scored * (TILE / 8 + 1)) + eighth * (COLUMNS / 2);
#pragma unroll
            for (int c = 0; c < COLUMNS; c += 2)
                to[c / 2] = pack(score[c], score[c + 1]);
            if (eighth == 0)
                fade[scored] = factor;
        }
        __syncthreads();

        const float fade0 = fade[lane / 4], fade1 = fade[lane / 4 + 8];
        if (__any_sync(0xffffffff, fade0 != 1.0f || fade1 != 1.0f))
        {
#pragma unroll
            for (int i = 0; i < SPREAD; i++)
            {
                sums[i][0] *= fade0; sums[i][1] *= fade0;
                sums[i][2] *= fade1; sums[i][3] *= fade1;
            }
        }
#pragma unroll
        for (int k = 0; k < TILE / 16; k++)
        {
            word weight[4];
            matrices(weight, weights + (lane % 16) * (TILE / 8 + 1) + k * 2 + lane / 16);
#pragma unroll
            for (int i = 0; i < SPREAD; i += 2)
            {
                // Matrices: the lower eight of 16 positions and columns i * 8.., the upper eight, then both of the next eight columns.
                word right[4];
                transposed(right, tile + place(k * 16 + lane % 16, warp * (SHARE / 8) + i + lane / 16));
                multiply(sums[i], weight, right[0], right[1]);
                multiply(sums[i + 1], weight, right[2], right[3]);
            }
        }
        // The scores' memory is written again only after all have passed the next barrier but one; the tile is the warp's own.
        __syncwarp();
    }

    __syncthreads();
#if SHARED_POSITIONS
    float* found = workspace + ((long long)(image * gridDim.x + blockIdx.x) * shares + blockIdx.z) * 16 * (WIDTH + 2);
#pragma unroll
    for (int i = 0; i < SPREAD; i++)
    {
        float* to = found + (lane / 4) * (WIDTH + 2) + warp * SHARE + i * 8 + (lane % 4) * 2;
        *reinterpret_cast<float2*>(to) = make_float2(sums[i][0], sums[i][1]);
        *reinterpret_cast<float2*>(to + 8 * (WIDTH + 2)) = make_float2(sums[i][2], sums[i][3]);
    }
    if (threadIdx.x < 128 && eighth == 0)
        *reinterpret_cast<float2*>(found + scored * (WIDTH + 2) + WIDTH) = make_float2(highest, total);
#else
    if (threadIdx.x < 128 && eighth == 0)
        fade[scored] = 1.0f / total;
    __syncthreads();
    const float last0 = fade[lane / 4], last1 = fade[lane / 4 + 8];
#pragma unroll
    for (int i = 0; i < SPREAD; i++)
    {
        const int column = warp * SHARE + i * 8 + (lane % 4) * 2;
        const int row0 = first + lane / 4, row1 = row0 + 8;
        if (row0 < rows)
            result[((base + row0) * WIDTH + column) / 2] = pack(sums[i][0] * last0, sums[i][1] * last0);
        if (row1 < rows)
            result[((base + row1) * WIDTH + column) / 2] = pack(sums[i][2] * last1, sums[i][3] * last1);
    }
#endif
}
