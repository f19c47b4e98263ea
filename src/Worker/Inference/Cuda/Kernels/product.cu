// result = activation(left * right + bias), or left * right + bias + added: 16-bit floats, sums and bias of 32 bits, for compute capability 9.0 (sm_90a).
//   left [rows, depth], right [depth, columns] as graphs hold weights, bias [columns], added and result [rows, columns].
// depth and columns are multiples of 8; tensor maps, with a swizzle of 128 bytes, fill with zeros what lies outside and write nothing there. Their
// boxes are 64 columns wide and TILE_ROWS (left), 64 / CLUSTER (right) or ROWS (added, result) high. Without ADDED its map is not used.
// A block stays on its multiprocessor and goes from tile to tile, through all columns of some rows before the next rows. One thread has the tensor
// engine fetch STAGES stages ahead, each 64 values deep. Two groups of four warps multiply ROWS x COLUMNS each: of one tile where they work TOGETHER,
// else of a tile each in turn, so that one multiplies while the other finishes its tile. Blocks of a cluster have neighbouring rows, and each
// fetches a share of the right operand for all. Results go out in strips of 64 columns, of which a group has room for SLOTS.

#define PARTS (ROWS / 64) // a group's tile is made of as many wgmma, one above the other
#define STRIPS (COLUMNS / 64) // 128 bytes are the width of a tensor map's box
#define TILE_ROWS (TOGETHER ? 2 * ROWS : ROWS)
#define LEFT_BYTES (TILE_ROWS * 128) // [TILE_ROWS][64 of depth]
#define STRIP_BYTES (64 * 128) // of the right operand: [STRIPS][64 of depth][64 columns]
#define STAGE_BYTES (LEFT_BYTES + STRIPS * STRIP_BYTES)
#define RESULT_BYTES (ROWS * 128) // of a group's result: [SLOTS][ROWS][64 columns]

struct alignas(64) TensorMap
{
    char bytes[128];
};

__device__ __forceinline__ void make_barrier(word barrier, int arrivals)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

__device__ __forceinline__ void expect(word barrier, int bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}

// Arrives at a barrier of another block of the cluster, or of the same.
__device__ __forceinline__ void arrive(word barrier, int block)
{
#if CLUSTER > 1
    asm volatile("{ .reg .b32 there; mapa.shared::cluster.u32 there, %0, %1; mbarrier.arrive.shared::cluster.b64 _, [there]; }"
        ::"r"(barrier), "r"(block) : "memory");
#else
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
#endif
}

#if PATIENCE // for checks: clock cycles
extern "C" { __device__ volatile word stuck[4]; } // the barrier that was waited for in vain, its parity, thread and block
#endif

__device__ __forceinline__ void wait(word barrier, word parity)
{
    word done;
#if PATIENCE
    const long long since = clock64();
#endif
    do
    {
        asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.b32 %0, 1, 0, p; }"
            : "=r"(done) : "r"(barrier), "r"(parity) : "memory");
#if PATIENCE
        if (!done && (stuck[0] || clock64() - since > PATIENCE))
        {
            if (!stuck[0])
            {
                stuck[1] = parity;
                stuck[2] = threadIdx.x;
                stuck[3] = blockIdx.x;
                stuck[0] = barrier & 0x3ffff;
            }
            break;
        }
#endif
    } while (!done);
}

__device__ __forceinline__ void fetch(word to, const TensorMap& map, int x, int y, word barrier)
{
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"
        ::"r"(to), "l"(&map), "r"(x), "r"(y), "r"(barrier) : "memory");
}

// For all blocks of the cluster, each at the same place.
__device__ __forceinline__ void fetch_for_all(word to, const TensorMap& map, int x, int y, word barrier)
{
#if CLUSTER > 1
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;"
        ::"r"(to), "l"(&map), "r"(x), "r"(y), "r"(barrier), "h"((unsigned short)((1 << CLUSTER) - 1)) : "memory");
#else
    fetch(to, map, x, y, barrier);
#endif
}

__device__ __forceinline__ void store(const TensorMap& map, int x, int y, word from)
{
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%1, %2}], [%3]; cp.async.bulk.commit_group;"
        ::"l"(&map), "r"(x), "r"(y), "r"(from) : "memory");
}

// The thread's stores but for the last LATER have read their memory.
template <int LATER>
__device__ __forceinline__ void stored() { asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(LATER) : "memory"); }

// Barriers of warps: 1 and 2 order the groups, 3 and 4 are a group's own.
__device__ __forceinline__ void meet(int barrier, int threads)
{
    asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

__device__ __forceinline__ void pass(int barrier, int threads)
{
    asm volatile("bar.arrive %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

__device__ __forceinline__ void meet_cluster()
{
#if CLUSTER > 1
    asm volatile("barrier.cluster.arrive.release; barrier.cluster.wait.acquire;" ::: "memory");
#else
    __syncthreads();
#endif
}

// A descriptor of wgmma: swizzle of 128 bytes, of which eight rows are 1024; bytes from a strip to the next, where there are strips; the address,
// without the block's number in the cluster, which is in its upper bits.
__device__ __forceinline__ unsigned long long operand(word address, word apart)
{
    return (1ull << 62) | (64ull << 32) | ((unsigned long long)(apart >> 4) << 16) | ((address & 0x3ffff) >> 4);
}

#define TEN(n) "%" n "0,%" n "1,%" n "2,%" n "3,%" n "4,%" n "5,%" n "6,%" n "7,%" n "8,%" n "9,"
#define SIXTY TEN("") TEN("1") TEN("2") TEN("3") TEN("4") TEN("5")
#define EIGHT(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define THIRTY_TWO(i) EIGHT(i), EIGHT(i + 8), EIGHT(i + 16), EIGHT(i + 24)
#if COLUMNS == 128
#define SHAPE "m64n128k16"
#define NUMBERS SIXTY "%60,%61,%62,%63"
#define OPERANDS "%64, %65"
#define SUMS THIRTY_TWO(0), THIRTY_TWO(32)
#elif COLUMNS == 192
#define SHAPE "m64n192k16"
#define NUMBERS SIXTY TEN("6") TEN("7") TEN("8") "%90,%91,%92,%93,%94,%95"
#define OPERANDS "%96, %97"
#define SUMS THIRTY_TWO(0), THIRTY_TWO(32), THIRTY_TWO(64)
#else
#define SHAPE "m64n256k16"
#define NUMBERS SIXTY TEN("6") TEN("7") TEN("8") TEN("9") TEN("10") TEN("11") "%120,%121,%122,%123,%124,%125,%126,%127"
#define OPERANDS "%128, %129"
#define SUMS THIRTY_TWO(0), THIRTY_TWO(32), THIRTY_TWO(64), THIRTY_TWO(96)
#endif

// d += left * right, sixteen values deep. The last 1 says that the right operand's columns lie side by side.
__device__ __forceinline__ void multiply(float (&d)[COLUMNS / 2], unsigned long long left, unsigned long long right)
{
    asm volatile("wgmma.mma_async.sync.aligned." SHAPE ".f32.f16.f16 {" NUMBERS "}, " OPERANDS ", 1, 1, 1, 0, 1;" : SUMS : "l"(left), "l"(right));
}

// What is done to the sums before this in the source is done before it, the rest after it.
__device__ __forceinline__ void settle(float (&d)[COLUMNS / 2])
{
#pragma unroll
    for (int i = 0; i < COLUMNS / 2; i++)
        asm volatile("" : "+f"(d[i])::"memory");
}

// The sums of all multiplications but those of the last LATER groups are there.
template <int LATER>
__device__ __forceinline__ void multiplied() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LATER) : "memory"); }

extern "C" __global__ void __cluster_dims__(CLUSTER, 1, 1) __launch_bounds__(384, 1) product(
    const __grid_constant__ TensorMap left, const __grid_constant__ TensorMap right, const __grid_constant__ TensorMap added,
    const __grid_constant__ TensorMap result, const float* __restrict__ bias, int rows, int columns, int depth)
{
    extern __shared__ char memory[];
    const word stages = (shared_address(memory) + 1023) & ~1023u;
    const word results = stages + STAGES * STAGE_BYTES;             // of both groups
    const word full = results + 2 * SLOTS * RESULT_BYTES, empty = full + STAGES * 8, fetched = empty + STAGES * 8;

    const int group = __shfl_sync(0xffffffff, threadIdx.x / 128, 0), rank = blockIdx.x % CLUSTER;
    const int blocks = (depth + 63) / 64, across = (columns + COLUMNS - 1) / COLUMNS;
    const int tiles = across * ((rows + CLUSTER * TILE_ROWS - 1) / (CLUSTER * TILE_ROWS)), step = gridDim.x / CLUSTER;

    if (threadIdx.x == 0)
    {
        for (int i = 0; i < STAGES; i++)
        {
            make_barrier(full + i * 8, 1);
            make_barrier(empty + i * 8, CLUSTER * 4 * (TOGETHER ? 2 : 1));
        }
        make_barrier(fetched, 1);
        make_barrier(fetched + 8, 1);
        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    meet_cluster();

    if (group == 0)
    {
        asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
        if (threadIdx.x == 0)
        {
            int stage = 0;
            word parity = 1;
            for (int tile = blockIdx.x / CLUSTER; tile < tiles; tile += step)
            {
                const int row = (tile / across * CLUSTER + rank) * TILE_ROWS, column = tile % across * COLUMNS;
                for (int block = 0; block < blocks; block++)
                {
                    const word to = stages + stage * STAGE_BYTES, barrier = full + stage * 8;
                    wait(empty + stage * 8, parity);
                    expect(barrier, STAGE_BYTES);
                    fetch(to, left, block * 64, row, barrier);
#pragma unroll
                    for (int i = 0; i < STRIPS; i++)
                    {
                        const word share = to + LEFT_BYTES + i * STRIP_BYTES + rank * (STRIP_BYTES / CLUSTER);
                        fetch_for_all(share, right, column + i * 64, block * 64 + rank * (64 / CLUSTER), barrier);
                    }
                    if (++stage == STAGES)
                    {
                        stage = 0;
                        parity ^= 1;
                    }
                }
            }
        }
    }
    else
    {
        asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
        const int which = group - 1, thread = threadIdx.x % 128, lane = threadIdx.x % 32;
        const word own = results + which * SLOTS * RESULT_BYTES;
        // Where the thread's row of a matrix of 8 x 8 begins: 16 rows a warp, 128 bytes each, whose 16-byte pieces are exchanged by the row's number.
        const word place = own + (thread / 32 * 16 + lane % 16) * 128 + ((lane / 16) ^ (lane % 8)) * 16;
#if ADDED
        word phase = 0;
#endif

        for (int turn = TOGETHER ? 0 : which;; turn += TOGETHER ? 1 : 2)
        {
            const int tile = blockIdx.x / CLUSTER + turn * step;
            if (tile >= tiles)
                break;
            const int row = (tile / across * CLUSTER + rank) * TILE_ROWS + (TOGETHER ? which * ROWS : 0), column = tile % across * COLUMNS;
            const int strips = row < rows ? min(STRIPS, (columns - column + 63) / 64) : 0; // those that are not wholly outside
#if ADDED
            if (thread == 0 && strips > 0)
            {
                stored<0>();
                expect(fetched + which * 8, min(SLOTS, strips) * RESULT_BYTES);
                for (int i = 0; i < min(SLOTS, strips); i++)
                    fetch(own + i * RESULT_BYTES, added, column + i * 64, row, fetched + which * 8);
            }
#endif
            // A thread's sums begin as the bias of its columns: two of each eight, in its row and the row eight below.
            const float2* shift = reinterpret_cast<const float2*>(bias + column) + lane % 4;
            float sums[PARTS][COLUMNS / 2];
#pragma unroll
            for (int i = 0; i < COLUMNS / 2; i += 4)
            {
                const float2 both = column + i * 2 < columns ? __ldg(shift + i) : make_float2(0, 0);
#pragma unroll
                for (int part = 0; part < PARTS; part++)
                {
                    sums[part][i] = sums[part][i + 2] = both.x;
                    sums[part][i + 1] = sums[part][i + 3] = both.y;
                }
            }

#pragma unroll
            for (int part = 0; part < PARTS; part++)
                settle(sums[part]);
            const unsigned from = turn * blocks;
            int stage = from % STAGES, before = 0;
            word parity = from / STAGES % 2;
            if (!TOGETHER && turn > 0)
                meet(1 + which, 256);
            for (int block = 0; block < blocks; block++)
            {
                wait(full + stage * 8, parity);
                asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
                const word at = stages + stage * STAGE_BYTES;
                const unsigned long long a = operand(at + (TOGETHER ? which * ROWS * 128 : 0), 16), b = operand(at + LEFT_BYTES, STRIP_BYTES);
#pragma unroll
                for (int k = 0; k < 4; k++)
                {
#pragma unroll
                    for (int part = 0; part < PARTS; part++)
                        multiply(sums[part], a + part * 512 + k * 2, b + k * 128);
                }
                asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
                multiplied<1>();
                if (block > 0 && lane < CLUSTER)
                    arrive(empty + before * 8, lane);
                before = stage;
                if (++stage == STAGES)
                {
                    stage = 0;
                    parity ^= 1;
                }
            }
            if (!TOGETHER && tile + step < tiles)
                pass(2 - which, 256);
            multiplied<0>();
#pragma unroll
            for (int part = 0; part < PARTS; part++)
                settle(sums[part]);
            if (lane < CLUSTER)
                arrive(empty + before * 8, lane);

#pragma unroll
            for (int strip = 0; strip < STRIPS; strip++)
            {
                if (strip >= strips)
                    break;
                const word slot = strip % SLOTS * RESULT_BYTES;
                if (strip == 0 || strip >= SLOTS)
                {
                    // Room, and what is added.
#if ADDED
                    if (strip > 0 && thread == 0)
                    {
                        stored<SLOTS - 1>();
                        expect(fetched + which * 8, RESULT_BYTES);
                        fetch(own + slot, added, column + strip * 64, row, fetched + which * 8);
                    }
                    wait(fetched + which * 8, phase);
                    phase ^= 1;
#else
                    if (thread == 0)
                        strip > 0 ? stored<SLOTS - 1>() : stored<0>();
                    meet(3 + which, 128);
#endif
                }
#pragma unroll
                for (int j = 0; j < 8; j += 2)
                {
#pragma unroll
                    for (int part = 0; part < PARTS; part++)
                    {
                        // Two values of eight columns, then of the row eight below; then both of the next eight columns.
                        const word to = (place ^ (j * 16)) + slot + part * 64 * 128;
                        word four[4];
#if ADDED
                        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                            : "=r"(four[0]), "=r"(four[1]), "=r"(four[2]), "=r"(four[3]) : "r"(to) : "memory");
#endif
#pragma unroll
                        for (int i = 0; i < 4; i++)
                        {
                            const float* sum = sums[part] + (strip * 8 + j) * 4 + i * 2;
                            float low = sum[0], high = sum[1];
#if ADDED
                            float more, most;
                            unpack(four[i], more, most);
                            low += more;
                            high += most;
#endif
                            four[i] = pack(activate<ACTIVATION>(low), activate<ACTIVATION>(high));
                        }
                        asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};"
                            ::"r"(to), "r"(four[0]), "r"(four[1]), "r"(four[2]), "r"(four[3]) : "memory");
                    }
                }
                // The tensor engine stores a strip while the next is made.
                asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
                meet(3 + which, 128);
                if (thread == 0)
                    store(result, column + strip * 64, row, own + slot);
            }
        }
        if (thread == 0)
            stored<0>();
    }
    // What others fetch and count for this block lies in its memory.
    meet_cluster();
}
