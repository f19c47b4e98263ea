// What a layer does to its sums, by the number that graphs have for it.

#define GELU 1
#define GELU_TANH 2
#define QUICK_GELU 3

template <int KIND>
__device__ __forceinline__ float activate(float x)
{
    if (KIND == QUICK_GELU)
        return x * reciprocal(1.0f + exp2_fast(-2.4554669f * x)); // 1.702 / ln 2
    if (KIND == 0)
        return x;
    // max(x, 0) - t (1 - P(t)), t = |x|, P the normal distribution or what tanh makes of it. log2(1 - P) is a polynomial but for 1e-5 (tanh: 2e-4) of
    // the result; from 5.75 on the term is less than the smallest 16-bit float. So there is one instruction of the slow unit for special functions.
    float t, term;
#if __CUDA_ARCH__ >= 800
    asm("min.NaN.f32 %0, %1, 0f40B80000;" : "=f"(t) : "f"(fabsf(x)));
#else
    t = fabsf(x) > 5.75f ? 5.75f : fabsf(x);
#endif
    if (KIND == GELU)
        term = -1.000006702f
            + t * (-1.151059346f + t * (-0.4591053008f + t * (-0.05311787753f + t * (0.007972054238f + t * (-7.545243394e-4f + t * 3.290743365e-5f)))));
    else
        term = -1.000101061f
            + t * (-1.150927005f + t * (-0.4555671303f + t * (-0.06268749519f + t * (0.01966656135f + t * (-0.005536280016f + t * 4.25256089e-4f)))));
    return fmaxf(x, 0.0f) - t * exp2_fast(term);
}
