// 16-bit floats without the toolkit's headers, which no machine that only runs models has. Eight of them are a uint4.

typedef unsigned int word;

__device__ __forceinline__ void unpack(word pair, float& low, float& high)
{
    asm("{ .reg .b16 l, h; mov.b32 {l, h}, %2; cvt.f32.f16 %0, l; cvt.f32.f16 %1, h; }" : "=f"(low), "=f"(high) : "r"(pair));
}

__device__ __forceinline__ word pack(float low, float high)
{
    word pair;
#if __CUDA_ARCH__ >= 800
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
#else
    asm("{ .reg .b16 l, h; cvt.rn.f16.f32 l, %1; cvt.rn.f16.f32 h, %2; mov.b32 %0, {l, h}; }" : "=r"(pair) : "f"(low), "f"(high));
#endif
    return pair;
}

__device__ __forceinline__ void unpack(uint4 eight, float* values)
{
    unpack(eight.x, values[0], values[1]);
    unpack(eight.y, values[2], values[3]);
    unpack(eight.z, values[4], values[5]);
    unpack(eight.w, values[6], values[7]);
}

__device__ __forceinline__ uint4 pack(const float* values)
{
    return make_uint4(pack(values[0], values[1]), pack(values[2], values[3]), pack(values[4], values[5]), pack(values[6], values[7]));
}

__device__ __forceinline__ void load(float4 from, float* four)
{
    four[0] = from.x; four[1] = from.y; four[2] = from.z; four[3] = from.w;
}

__device__ __forceinline__ void load(const float* from, float* eight)
{
    load(reinterpret_cast<const float4*>(from)[0], eight);
    load(reinterpret_cast<const float4*>(from)[1], eight + 4);
}

__device__ __forceinline__ float exp2_fast(float x)
{
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
}

__device__ __forceinline__ float reciprocal(float x)
{
    float result;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
}
