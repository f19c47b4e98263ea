using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>The graphs for CUDA of an encoder of image and prompt, see <see cref="CaptionSteps"/>.</summary>
internal static class PromptedSteps
{
    /// <summary>Asserts that rows whose prompts have equally many tokens become what transformers gave.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="decoder">The decoder.</param>
    /// <param name="tokens">What sequences start and end with.</param>
    /// <param name="features">The images' tokens.</param>
    /// <param name="batch">The rows.</param>
    public static void Check(
        OnnxModel encoder, StepDecoder decoder, GenerationTokens tokens, IReadOnlyDictionary<string, float[]> features, params GoldenCaption[] batch)
    {
        var dims = encoder.Graph.Input.Single(input => input.Name == PromptedNames.Features).Type.TensorType.Shape.Dim;
        using var steps = new CaptionSteps(encoder, decoder, tokens);
        float[] images = [.. batch.SelectMany(golden => features[golden.Image])];
        long[] prompts = [.. batch.SelectMany(golden => golden.InputIds.Select(id => (long)id))];
        steps.Encode(
            (PromptedNames.Features, images, [batch.Length, dims[1].DimValue, dims[2].DimValue]),
            (PromptedNames.Prompt, prompts, [batch.Length, batch[0].InputIds.Length]));
        var found = steps.Run([.. batch.Select(golden => new RowRequest(golden.Parameters, tokens.Prompt))]);
        for (var i = 0; i < batch.Length; i++)
            batch[i].Check(found[i][0]);
    }
}
