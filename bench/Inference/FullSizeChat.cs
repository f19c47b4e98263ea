using System.Text.Json.Nodes;
using VlWorker.Bench.Gpu;
using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.Inference.Families.Idefics3;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Conversion;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Parameters;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Bench.Inference;

/// <summary>A model of SmolVLM-256M's sizes with random weights, built for the processor in int8, for as long as the benchmark runs.</summary>
internal sealed class FullSizeChat : IDisposable
{
    private const int Side = 512;
    private const int LongestEdge = 2048;
    private const int Patch = 16;
    private const int VisionWidth = 768;
    private const int VisionLayers = 12;
    private const int VisionHeads = 12;
    private const int Scale = 4;
    private const int TextWidth = 576;
    private const int TextInner = 1536;
    private const int TextLayers = 30;
    private const int TextHeads = 9;
    private const int TextKeyHeads = 3;
    private const int HeadSize = 64;
    private const int Vocabulary = 49280;
    private const int ImageToken = 49190;
    private const int Words = 20;
    private const int MostImages = 8;

    private readonly string _folder;
    private readonly CpuChatEngine _engine;
    private readonly PreparedPixels[] _images = SyntheticImages.Make(MostImages, Side, shared: true);

    private FullSizeChat(string folder, CpuChatEngine engine, GraphClock clock) => (_folder, _engine, Clock) = (folder, engine, clock);

    /// <summary>Follows its decoder.</summary>
    public GraphClock Clock { get; }

    /// <summary>Tokens of an image in one frame and the words around it.</summary>
    public int PromptTokens => _engine.TokensPerFrame + Words;

    /// <summary>Makes and loads it. Nothing ends an answer, so that each has the length asked for.</summary>
    public static FullSizeChat Make(int threads)
    {
        var folder = Directory.CreateTempSubdirectory("vlworker-bench-").FullName;
        try
        {
            var model = Path.Combine(folder, "model");
            Write(folder, model, new ConversionOptions(ConversionTarget.Cpu, ConversionPrecision.Int8));
            var (opened, clock) = (ModelFolder.Open(model), new GraphClock());
            clock.Follow(opened.Graphs[CpuLayout.Decoder]);
            var engine = CpuChatEngine.Load(
                opened, PreprocessorConfig.Load(model), ImageToken, new GenerationTokens([ImageToken], [], null, null),
                new ModelOptions { IntraOpThreads = threads, Watch = clock.Watch });
            return new FullSizeChat(folder, engine, clock);
        }
        catch
        {
            Directory.Delete(folder, true);
            throw;
        }
    }

    /// <summary>Has rows answer that have the same prompt.</summary>
    /// <param name="rows">Rows; with images, eight at most.</param>
    /// <param name="tokens">Tokens of each answer.</param>
    /// <param name="images">Whether each has an image of its own, which is most of its prompt; else the prompt is <paramref name="words"/> tokens.</param>
    /// <param name="words">Tokens of a prompt without an image.</param>
    public void Ask(int rows, int tokens, bool images, int words) => Answer([.. Enumerable.Range(0, rows).Select(row => images
        ? About(row, Text(Words), tokens)
        : new ChatRow([], Request(Text(words), tokens)))]);

    /// <summary>Writes such a model's folder, with the tiny model's tokenizer and template.</summary>
    /// <param name="folder">For what is needed on the way.</param>
    /// <param name="target">Where to.</param>
    /// <param name="options">What for.</param>
    public static void Write(string folder, string target, ConversionOptions options) => ModelConverter.Convert(
        SourceModel.OpenCheckpoint(Skeleton(folder)).Change("Its sizes are those of SmolVLM-256M, its weights random.", static _ => Parameters()), options, target);

    /// <summary>Asks as many different questions about one image, or each about another one.</summary>
    /// <param name="questions">Questions, eight at most.</param>
    /// <param name="tokens">Tokens of each answer.</param>
    /// <param name="oneImage">Whether all are about the same image.</param>
    /// <returns>What each generates.</returns>
    public int[][] AskAbout(int questions, int tokens, bool oneImage) =>
        [.. Answer([.. Enumerable.Range(0, questions).Select(row => About(oneImage ? 0 : row, Text(Words, seed: row), tokens))])
            .Select(result => result.Sequences[0].Tokens[PromptTokens..])];

    /// <summary>Asks one of the questions about the one image by itself.</summary>
    public int[] AskAlone(int question, int tokens) => Answer([About(0, Text(Words, seed: question), tokens)])[0].Sequences[0].Tokens[PromptTokens..];

    /// <summary>Has rows without images answer; returns what each generates.</summary>
    /// <param name="prompts">Their prompts.</param>
    /// <param name="tokens">Tokens of each answer.</param>
    public int[][] Answer(IReadOnlyList<int[]> prompts, IReadOnlyList<int> tokens)
    {
        var results = Answer([.. prompts.Select((prompt, row) => new ChatRow([], Request(prompt, tokens[row])))]);
        return [.. results.Select((result, row) => result.Sequences[0].Tokens[prompts[row].Length..])];
    }

    /// <summary>Any tokens, the same at every call.</summary>
    public static int[] Text(int tokens, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, tokens).Select(_ => random.Next(1, ImageToken))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _engine.Dispose();
        foreach (var image in _images)
            image.Dispose();
        Directory.Delete(_folder, true);
    }

    private ChatRow About(int image, int[] words, int tokens) =>
        new([_images[image]], Request([.. Enumerable.Repeat(ImageToken, _engine.TokensPerFrame), .. words], tokens));

    private static RowRequest Request(IReadOnlyList<int> prompt, int tokens) =>
        new(CaptionRace.Parameters(1, tokens), prompt);

    private RowResult[] Answer(ChatRow[] rows)
    {
        var results = new RowResult[rows.Length];
        _engine.Run(rows, results, CancellationToken.None);
        return results.FirstOrDefault(static result => result.Error is not null).Error is { } error
            ? throw new InvalidOperationException("a row failed", error)
            : results;
    }

    // The tiny model's folder, told that its images are as large as the real one's.
    private static string Skeleton(string folder)
    {
        var target = Path.Combine(folder, "checkpoint");
        Directory.CreateDirectory(target);
        foreach (var file in Directory.EnumerateFiles(FixtureArchive.Extract("smolvlm")))
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        var path = Path.Combine(target, PreprocessorConfig.FileName);
        var images = JsonNode.Parse(File.ReadAllText(path))!;
        images["size"]!["longest_edge"] = LongestEdge;
        images["max_image_size"]!["longest_edge"] = Side;
        File.WriteAllText(path, images.ToJsonString());
        return target;
    }

    private static Idefics3Parameters Parameters()
    {
        var patches = Side / Patch * (Side / Patch);
        var vision = new VisionParameters(
            Side, Side, Patch, VisionWidth, Activation.GeluTanh, Random(3 * Patch * Patch, VisionWidth), new float[VisionWidth], [],
            Random(patches, VisionWidth), null, [.. Enumerable.Range(0, VisionLayers).Select(static _ => VisionLayer())], Norm(), null);
        var text = new LlamaParameters(
            TextWidth, Vocabulary, 8192, 100_000, Random(Vocabulary, TextWidth), [.. Enumerable.Range(0, TextLayers).Select(static _ => TextLayer())],
            RootNorm(), Random(Vocabulary, TextWidth));
        return new Idefics3Parameters("idefics3", vision, Scale, Layer(Scale * Scale * VisionWidth, TextWidth, false), text);
    }

    private static EncoderLayer VisionLayer() => new(
        Norm(), Layer(VisionWidth, VisionWidth), Layer(VisionWidth, VisionWidth), Layer(VisionWidth, VisionWidth), Layer(VisionWidth, VisionWidth),
        Norm(), Layer(VisionWidth, 4 * VisionWidth), Layer(4 * VisionWidth, VisionWidth), VisionHeads, VisionWidth / VisionHeads);

    private static LlamaLayer TextLayer()
    {
        var (queries, keys) = (TextHeads * HeadSize, TextKeyHeads * HeadSize);
        return new LlamaLayer(
            RootNorm(), Layer(TextWidth, queries, false), Layer(TextWidth, keys, false), Layer(TextWidth, keys, false),
            Layer(queries, TextWidth, false), RootNorm(), Layer(TextWidth, TextInner, false), Layer(TextWidth, TextInner, false),
            Layer(TextInner, TextWidth, false), TextHeads, TextKeyHeads, HeadSize);
    }

    private static LayerNorm Norm() => new(Ones(VisionWidth), new float[VisionWidth], 1e-6f);

    private static RmsNorm RootNorm() => new(Ones(TextWidth), 1e-5f);

    private static Linear Layer(int inputs, int outputs, bool bias = true) => new(Random(inputs, outputs), bias ? new float[outputs] : null);

    private static float[] Ones(int count) => [.. Enumerable.Repeat(1f, count)];

    // As wide as initialised weights are; what time a step takes does not depend on it.
    private static Matrix Random(int rows, int columns)
    {
        var (random, values) = (new Random(rows + columns), new float[rows * columns]);
        for (var i = 0; i < values.Length; i++)
            values[i] = (random.NextSingle() - 0.5f) * 0.07f;
        return new Matrix(rows, columns, values);
    }
}
