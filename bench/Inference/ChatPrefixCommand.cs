using System.CommandLine;
using VlWorker.Bench.Gpu;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Idefics3;
using VlWorker.Inference.Families.Idefics3.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Bench.Inference;

/// <summary>What computing the parts that prompts share only once could save: the template's words before the image, and the image.</summary>
internal static class ChatPrefixCommand
{
    private const int Tokens = 64;
    private const int Words = 16;

    private static readonly Option<DirectoryInfo> Model = new("--model") { Description = "An Idefics3 or SmolVLM folder made by model convert.", Required = true };
    private static readonly Option<int> Batch = new("--batch") { Description = "Rows, all with the same words, each about an image of its own.", DefaultValueFactory = _ => 1 };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds, taking turns; the median counts.", DefaultValueFactory = _ => 5 };
    private static readonly Option<string?> Out = new("--out") { Description = "Markdown file for the result." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("chat-prefix", "Time of an answer by its parts: template, image, words, answer.") { Model, Batch, Rounds, Out };
        command.SetAction(result => Run(
            result.GetRequiredValue(Model).FullName, result.GetValue(Batch), result.GetValue(Rounds), result.GetValue(Out)));
        return command;
    }

    private static void Run(string path, int batch, int rounds, string? file)
    {
        using var report = new Report("What prompts share, and what it costs", file);
        var folder = ModelFolder.Open(path);
        var images = PreprocessorConfig.Load(path);
        var imageToken = folder.Config.Int32("image_token_id") ?? throw new InvalidDataException("config.json has no image_token_id");
        // Without an end token every answer has its length.
        var tokens = new GenerationTokens([imageToken], [], null, null);
        using var engine = Load(folder, images, imageToken, tokens, batch);
        var head = HubTokenizer.Load(path).Encode(ChatTemplate.Load(path).Begin, addSpecialTokens: false);
        int[] image = [.. Enumerable.Repeat(imageToken, engine.TokensPerFrame)];
        int[] words = [.. Enumerable.Range(1, Words)];
        var pictures = SyntheticImages.Make(batch, images.Resize.Width);
        ChatRow[] Rows(bool seen, int[] prompt, int count) =>
            [.. pictures.Select(picture => new ChatRow(seen ? [picture] : [], new RowRequest(CaptionRace.Parameters(1, count), prompt)))];

        (string Name, ChatRow[] Rows, List<double> Times)[] cases =
        [
            ("whole answer", Rows(true, [.. head, .. image, .. words], Tokens), []),
            ("its first token", Rows(true, [.. head, .. image, .. words], 1), []),
            ("the same without the template before the image", Rows(true, [.. image, .. words], 1), []),
            ("the same without the image", Rows(false, [.. head, .. words], 1), []),
        ];
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var (_, rows, times) in cases)
            {
                var results = new RowResult[batch];
                var took = BatchSizes.Time(() => engine.Run(rows, results, CancellationToken.None));
                if (results.FirstOrDefault(result => result.Error is not null).Error is { } error)
                    throw new InvalidOperationException("a row failed", error);
                // The first round takes memory and chooses kernels.
                if (round > 0)
                    times.Add(took);
            }
        }

        foreach (var picture in pictures)
            picture.Dispose();
        report.Line($"{path}, batch {batch}: {head.Length} tokens before the image, {image.Length} of it, {Words} of words behind it, {Tokens} of the answer. Medians of {rounds} rounds.");
        var whole = Statistics.Median(cases[0].Times);
        report.Line("| what | ms | of a whole answer |\n|---|---|---|\n" + string.Join('\n', cases.Select(one =>
            FormattableString.Invariant($"| {one.Name} | {Statistics.Median(one.Times):0.0} | {Statistics.Median(one.Times) / whole:0.000} |"))));
    }

    private static IChatEngine Load(ModelFolder folder, PreprocessorConfig images, int imageToken, GenerationTokens tokens, int batch) =>
        folder.Manifest?.Layout == CudaLayout.Name
            ? CudaChatEngine.Load(ChatGraphs.Of(folder, images, imageToken, tokens), new CudaSettings(0, 1, batch), Tokens)
            : CpuChatEngine.Load(folder, images, imageToken, tokens, new ModelOptions { IntraOpThreads = Environment.ProcessorCount });
}
