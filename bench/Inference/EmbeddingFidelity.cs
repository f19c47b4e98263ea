using System.Numerics.Tensors;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit;

namespace VlWorker.Bench.Inference;

/// <summary>Token ids and embeddings against those of transformers.</summary>
internal static class EmbeddingFidelity
{
    /// <summary>All images and all texts, each alone and in one batch. Returns rows of a Markdown table.</summary>
    public static IReadOnlyList<string> Compare(string what, string folder, ModelPrecision precision, DemoGolden golden, double needed, out bool good)
    {
        using var model = ModelLoader.Load("clip", folder, new ModelOptions { Precision = precision });
        return Compare(model, what, golden, needed, out good);
    }

    /// <summary>The same for a model that is loaded; stays the caller's.</summary>
    public static IReadOnlyList<string> Compare(IModel model, string what, DemoGolden golden, double needed, out bool good)
    {
        var ids = golden.Texts.Count(text => model.Tokenize(text.Text).Ids.SequenceEqual(text.Ids));
        InferenceInput[] images = [.. golden.Images.Select(image => new ImageInput(Tasks.Embedding, golden.Prepare(image, model), null))];
        InferenceInput[] texts = [.. golden.Texts.Select(text => new TextInput(new TokenizedText(text.Ids, false)))];
        string[] imageNames = [.. golden.Images.Select(image => $"clip.image_embeds/{image}")];
        string[] textNames = [.. golden.Texts.Select(text => $"clip.text_embeds/{text.Number}")];
        var (imagesAlone, imagesTogether) = (Alone(model, golden, images, imageNames), Lowest(model, golden, images, imageNames));
        var (textsAlone, textsTogether) = (Alone(model, golden, texts, textNames), Lowest(model, golden, texts, textNames));
        good = ids == texts.Length && new[] { imagesAlone, imagesTogether, textsAlone, textsTogether }.All(cosine => cosine >= needed);
        return
        [
            $"| {what} embeddings: texts with equal token ids | {ids} of {texts.Length} | all |",
            FormattableString.Invariant($"| {what} embeddings of images: lowest cosine, alone / one batch | {imagesAlone:0.000000} / {imagesTogether:0.000000} | {needed} |"),
            FormattableString.Invariant($"| {what} embeddings of texts: lowest cosine, alone / one batch | {textsAlone:0.000000} / {textsTogether:0.000000} | {needed} |"),
        ];
    }

    private static double Alone(IModel model, DemoGolden golden, InferenceInput[] rows, string[] names) =>
        rows.Select((row, i) => Lowest(model, golden, [row], [names[i]])).Min();

    private static double Lowest(IModel model, DemoGolden golden, InferenceInput[] rows, string[] names) => model.Run(rows, CancellationToken.None)
        .Select((outcome, i) => (double)TensorPrimitives.CosineSimilarity(((EmbeddingOutcome)outcome).Values, golden.Tensors[names[i]].Values)).Min();
}
