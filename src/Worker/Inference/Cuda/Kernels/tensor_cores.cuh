// Products of 16 x 16 and 16 x 8 values of 16 bits on tensor cores, and their way through shared memory.

__device__ __forceinline__ word shared_address(const void* pointer) { return (word)__cvta_generic_to_shared(pointer); }

// Sixteen bytes, on their way while the thread goes on; zeros where nothing real is asked for.
__device__ __forceinline__ void fetch(uint4* to, const uint4* from, bool real)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(real ? 16 : 0));
#else
    *to = real ? *from : make_uint4(0, 0, 0, 0);
#endif
}

// Ends a group of what was asked for.
__device__ __forceinline__ void fetched()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;");
#endif
}

// Waits for all groups but the last ones that were asked for.
template <int LATER>
__device__ __forceinline__ void landed()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(LATER) : "memory");
#endif
}

// Adds the product of a row of blocks, 16 x 16, and a column, 16 x 8.
__device__ __forceinline__ void multiply(float* sums, const word* left, word right0, word right1)
{
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1));
#else
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%8}, {%0, %1, %2, %3};\n"
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%6, %7}, {%9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1));
#endif
}

// Four blocks of 8 x 8; each lane gives the address of a row of one.
__device__ __forceinline__ void matrices(word* four, const void* row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(four[0]), "=r"(four[1]), "=r"(four[2]), "=r"(four[3]) : "r"(shared_address(row)));
}

// The same, with rows and columns exchanged.
__device__ __forceinline__ void transposed(word* four, const void* row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(four[0]), "=r"(four[1]), "=r"(four[2]), "=r"(four[3]) : "r"(shared_address(row)));
}
