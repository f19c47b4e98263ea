using System.Collections;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Tests.Parameters;

/// <summary>Compares parameters value by value.</summary>
internal static class ParameterAssert
{
    /// <summary>Asserts that two records hold the same numbers.</summary>
    /// <param name="expected">What is right.</param>
    /// <param name="actual">What was read.</param>
    /// <param name="relative">Allowed difference of a value, relative to the largest of its tensor.</param>
    public static void Equal(FamilyParameters expected, FamilyParameters actual, float relative = 0) => Compare(expected.Family, expected, actual, relative);

    private static void Compare(string at, object? expected, object? actual, float relative)
    {
        if (expected is null || actual is null)
        {
            Assert.True(expected is null && actual is null, $"{at} is {(expected is null ? "there and should not be" : "missing")}");
            return;
        }

        switch (expected)
        {
            case float[] values:
                Values(at, values, (float[])actual, relative);
                break;
            case Matrix matrix:
                Assert.Equal((at, matrix.Rows, matrix.Columns), (at, ((Matrix)actual).Rows, ((Matrix)actual).Columns));
                Values(at, matrix.Values, ((Matrix)actual).Values, relative);
                break;
            case int or float or double or bool or string or Activation:
                Assert.Equal((at, expected), (at, actual));
                break;
            case IList list:
                Assert.Equal((at, list.Count), (at, ((IList)actual).Count));
                for (var i = 0; i < list.Count; i++)
                    Compare($"{at}[{i}]", list[i], ((IList)actual)[i], relative);
                break;
            default:
                foreach (var property in expected.GetType().GetProperties())
                    Compare($"{at}.{property.Name}", property.GetValue(expected), property.GetValue(actual), relative);
                break;
        }
    }

    private static void Values(string at, float[] expected, float[] actual, float relative)
    {
        Assert.Equal((at, expected.Length), (at, actual.Length));
        var limit = relative * expected.Select(MathF.Abs).DefaultIfEmpty(0).Max();
        for (var i = 0; i < expected.Length; i++)
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= limit, $"{at}[{i}] is {actual[i]}, not {expected[i]}");
    }
}
