using Microsoft.ML.OnnxRuntime;
using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit.Conversion;
using VlWorker.Worker.Tests.Inference.Families.BlipVqa;
using VlWorker.Worker.Tests.Inference.Families.Florence2;
using VlWorker.Worker.Tests.Inference.Families.Idefics3;

namespace VlWorker.Worker.Tests.Inference.Families;

/// <summary>Rows of one batch that ask about the same image: it is encoded once, and every row says what it says alone.</summary>
public sealed class SharedImageTests(ChatFixture chat, FlorenceFixture florence, BlipVqaFixture vqa)
    : IClassFixture<ChatFixture>, IClassFixture<FlorenceFixture>, IClassFixture<BlipVqaFixture>
{
    private static readonly string[] Questions = ["What is it?", "How many are there, and where?", "What is it?", "Why?"];

    private int _imageRuns;
    private long _promptTokens;

    [Theory]
    [InlineData(null)]
    [InlineData(nameof(ConversionPrecision.Fp32))]
    [InlineData(nameof(ConversionPrecision.Int8))]
    public void Questions_about_one_image_cost_its_frames_and_their_tokens_once(string? precision) => WithModel(
        chat.Folder, precision is null ? null : Enum.Parse<ConversionPrecision>(precision), model =>
    {
        var (cut, whole) = (chat.Images["scene.split"], chat.Images["scene"]);
        var parameters = model.Resolve(new GenerationOptions { MaxNewTokens = 6 });
        ImageInput[] rows =
        [
            .. Questions.Select(question => new ImageInput(Tasks.Answer, cut, parameters, question)),
            new ImageInput(Tasks.Answer, whole, parameters, Questions[0]),
            new ImageInput(Tasks.Answer, cut, parameters, Questions[0]) { More = [whole] },
        ];

        var alone = rows.Select(row => Run(model, row)[0]).ToList();
        var apart = _promptTokens;
        (_imageRuns, _promptTokens) = (0, 0);
        Assert.Equal(alone, Run(model, rows));

        Assert.Equal(cut.Frames + whole.Frames, _imageRuns);
        // Four rows begin like an earlier one: with the marks and features of the image that is cut.
        if (precision is not null)
            Assert.InRange(apart - _promptTokens, 4 * 4 * cut.Frames, apart);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tasks_about_one_image_cost_it_once(bool converted) => WithModel(florence.Folder, converted ? ConversionPrecision.Fp32 : null, model =>
    {
        string[] tasks = ["<CAPTION>", "<DETAILED_CAPTION>", "<OCR>", "<CAPTION>"];
        CheckTwoImages(model, (image, row) => new ImageInput(
            Tasks.Caption, florence.Golden.Pixels(image), model.Resolve(new GenerationOptions { MaxNewTokens = 6 }), tasks[row]));
    });

    [Fact]
    public void Short_questions_about_one_image_cost_it_once() => WithModel(vqa.Folder, ConversionPrecision.Fp32, model =>
        CheckTwoImages(model, (image, row) => new ImageInput(Tasks.Answer, vqa.Golden.Pixels(image), model.Resolve(null), Questions[row])));

    [Fact]
    public void What_a_warm_up_learns_of_a_batch_is_what_different_images_cost() => WithModel(chat.Folder, ConversionPrecision.Fp32, model =>
    {
        using var samples = new SampleRows(model);
        model.Run([.. Enumerable.Repeat(samples.All[0], 3)], CancellationToken.None);
        Assert.Equal(3, _imageRuns);
    });

    private void CheckTwoImages(IModel model, Func<string, int, ImageInput> row)
    {
        string[] images = ["scene", "palette", "scene", "scene"];
        ImageInput[] rows = [.. images.Select(row)];
        var together = Run(model, rows);
        Assert.Equal(2, _imageRuns);
        Assert.Equal(rows.Select(one => Run(model, one)[0]), together);
    }

    private static List<string> Run(IModel model, params ImageInput[] rows) => [.. model.Run(rows, CancellationToken.None)
        .Select(outcome => string.Join(' ', Assert.IsType<CaptionOutcome>(outcome).Sequences[0].TokenIds))];

    private void WithModel(string folder, ConversionPrecision? precision, Action<IModel> check)
    {
        var path = precision is { } wanted ? OptimizedFolders.Cpu(SourceModel.OpenCheckpoint(folder), wanted) : folder;
        try
        {
            using var model = ModelLoader.Load("tiny", path, new ModelOptions { Watch = Count });
            check(model);
        }
        finally
        {
            if (precision is not null)
                Directory.Delete(path, true);
        }
    }

    private void Count(string file, IReadOnlyList<string> names, IReadOnlyList<OrtValue> values)
    {
        if (file.StartsWith("vision", StringComparison.Ordinal))
            _imageRuns++;
        var embeddings = names.ToList().IndexOf("inputs_embeds");
        if (embeddings < 0)
            return;
        // A step has one token of each row.
        var shape = values[embeddings].GetTensorTypeAndShape().Shape;
        if (shape[1] > 1)
            _promptTokens += shape[0] * shape[1];
    }
}
