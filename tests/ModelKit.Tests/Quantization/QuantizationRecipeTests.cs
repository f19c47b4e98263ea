using VlWorker.ModelKit.Quantization;

namespace VlWorker.ModelKit.Tests.Quantization;

public sealed class QuantizationRecipeTests
{
    [Theory]
    [InlineData("Int8", "Softmax", 32, 4, "Softmax")]
    [InlineData("Fp16", "MatMul", 32, 4, "fp16")]
    [InlineData("Weights4", "Conv", 32, 4, "Conv")]
    [InlineData("Weights4", null, 24, 4, "block size")]
    [InlineData("Weights8", null, 512, 4, "block size")]
    [InlineData("Weights8", null, 32, 5, "accuracy level")]
    public void What_can_not_work_is_said(string target, string? op, int blockSize, int level, string named)
    {
        var recipe = new QuantizationRecipe
        {
            Target = Enum.Parse<QuantizationTarget>(target),
            Operators = op is null ? null : [op],
            Weights = new WeightOnlyOptions { BlockSize = blockSize, AccuracyLevel = level },
        };

        Assert.Contains(named, Assert.Single(recipe.Check()));
    }

    [Theory]
    [InlineData("Int8", ModelPrecision.Quantized)]
    [InlineData("Weights8", ModelPrecision.Q8)]
    [InlineData("Weights4", ModelPrecision.Q4)]
    [InlineData("Fp16", ModelPrecision.Fp16)]
    public void A_target_is_found_by_its_precision(string target, ModelPrecision precision)
    {
        var recipe = new QuantizationRecipe { Target = Enum.Parse<QuantizationTarget>(target) };

        Assert.Equal(precision, recipe.Precision);
        Assert.Empty(recipe.Check());
    }
}
