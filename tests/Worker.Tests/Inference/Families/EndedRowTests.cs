using VlWorker.Contracts;
using VlWorker.Inference;
using VlWorker.ModelKit.Conversion;
using VlWorker.Worker.Tests.Inference.Families.Blip;
using VlWorker.Worker.Tests.Inference.Families.Florence2;
using VlWorker.Worker.Tests.Inference.Families.Idefics3;

namespace VlWorker.Worker.Tests.Inference.Families;

/// <summary>A row's outcome is known when its own text ends, not when the longest one of its batch does.</summary>
public sealed class EndedRowTests(ChatFixture chat, BlipFixture blip, FlorenceFixture florence)
    : IClassFixture<ChatFixture>, IClassFixture<BlipFixture>, IClassFixture<FlorenceFixture>
{
    private int _steps;

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    public void An_answer(bool converted, int beams) => Check(
        chat.Folder, converted, beams, (options, model) => new ImageInput(Tasks.Answer, chat.Images["scene"], model.Resolve(options), "What is it?"));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_caption(bool converted) => Check(
        blip.Folder, converted, 1, (options, model) => new ImageInput(Tasks.Caption, blip.Golden.Pixels("scene"), model.Resolve(options)));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_task_with_a_prompt(bool converted) => Check(
        florence.Folder, converted, 1, (options, model) => new ImageInput(Tasks.Caption, florence.Golden.Pixels("scene"), model.Resolve(options)));

    private void Check(string folder, bool converted, int beams, Func<GenerationOptions, IModel, ImageInput> input)
    {
        var path = converted ? OptimizedFolders.Cpu(SourceModel.OpenCheckpoint(folder), ConversionPrecision.Fp32) : folder;
        try
        {
            using var model = ModelLoader.Load("tiny", path, new ModelOptions { Watch = (file, _, _) => _steps += file.Contains("decoder", StringComparison.Ordinal) ? 1 : 0 });
            ImageInput[] rows = [.. new[] { 12, 2, 6 }.Select(tokens => input(
                new GenerationOptions { MaxNewTokens = tokens, MinNewTokens = tokens, NumBeams = beams }, model))];
            List<(int Row, int Steps, InferenceOutcome Outcome)> told = [];
            for (var i = 0; i < rows.Length; i++)
            {
                var row = i;
                rows[i].OnOutcome = outcome => told.Add((row, _steps, outcome));
            }

            var outcomes = model.Run(rows, CancellationToken.None);

            Assert.Equal([1, 2, 0], told.Select(one => one.Row));
            Assert.All(told, one => Assert.Same(outcomes[one.Row], one.Outcome));
            Assert.True(told[0].Steps < told[1].Steps && told[1].Steps < told[2].Steps, string.Join(", ", told.Select(one => one.Steps)));
        }
        finally
        {
            if (converted)
                Directory.Delete(path, true);
        }
    }
}
