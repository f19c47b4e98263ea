using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Generation;

/// <summary>The decoder's rows, moved about: each must go on as if it were alone.</summary>
public sealed class DecoderRunTests : IDisposable
{
    private const int Start = 50256;
    private readonly string _folder = FixtureArchive.Extract("vit-gpt2-tiny");
    private readonly GoldenCases _golden;
    private readonly ImageEncoder _encoder;
    private readonly TensorBuffer _pixels = new();

    public DecoderRunTests()
    {
        _golden = new GoldenCases(_folder);
        _encoder = new ImageEncoder(Session("encoder_model"), PreprocessorConfig.Load(_folder), 4, "last_hidden_state");
    }

    public static TheoryData<int[]> Arrangements =>
    [
        [0, 1, 2], // nothing moves
        [2, 1], // the last row takes the place of the first
        [1, 2], // the first leaves, the others move up
        [0, 0, 1, 1, 2, 2], // every row forks
        [2, 0, 1], // rows change places
        [2, 2, 0, 0], // one leaves, the others fork and change places
    ];

    [Theory]
    [MemberData(nameof(Arrangements))]
    public void Rows_go_on_as_if_alone_however_they_are_arranged(int[] sources)
    {
        using var graphs = Merged(null);
        string[] stems = ["scene", "tall", "gray"];
        int[] firstTokens = [11, 22, 33];
        using var run = new DecoderRun(graphs);
        run.Start(Encode(run, stems), PromptBatch.Same([Start], 3), 1);
        run.Step(firstTokens);

        run.Arrange(sources, sources);
        run.Step([.. sources.Select((_, i) => 100 + i)]);

        for (var i = 0; i < sources.Length; i++)
            Assert.Equal(Alone(graphs, stems[sources[i]], firstTokens[sources[i]], 100 + i), run.Logits(i, 1).ToArray(), Close);
    }

    [Fact]
    public void Beams_share_their_image_where_the_graph_allows_it()
    {
        using var graphs = Merged(null);
        using var run = new DecoderRun(graphs);
        var states = Encode(run, ["scene", "tall"]);
        Assert.True(graphs.CanShareImage(states));

        run.Start(states.Single(1), new PromptBatch([Start]), 1);
        run.Arrange([0, 0, 0], [0, 0, 0]);
        run.Step([11, 22, 33]);
        run.Arrange([2, 0, 0], [0, 1, 2]);
        run.Step([7, 8, 9]);

        (int First, int Second)[] expected = [(33, 7), (11, 8), (11, 9)];
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(Alone(graphs, "tall", expected[i].First, expected[i].Second), run.Logits(i, 1).ToArray(), Close);
    }

    [Fact]
    public void Where_beams_can_not_share_an_image_the_golden_beams_come_out_as_well()
    {
        using var graphs = Merged(false);
        using var run = new DecoderRun(graphs);
        var cases = _golden.Captions.Where(golden => golden.Parameters.NumBeams > 1).ToArray();
        // One of them ends with its first token: its image leaves before the others fork.
        GenerationParameters[] parameters = [cases[0].Parameters with { MaxLength = 2 }, .. cases.Select(golden => golden.Parameters)];
        RowRequest[] rows = [.. parameters.Select(row => new RowRequest(row, [Start]))];
        var results = new RowResult[rows.Length];

        var states = Encode(run, [cases[0].Image, .. cases.Select(golden => golden.Image)]);
        new Generator(new GenerationTokens([Start], [Start], null, null)).Run(run, states, rows, results, CancellationToken.None);

        Assert.Equal(2, results[0].Sequences[0].Tokens.Length);
        for (var i = 0; i < cases.Length; i++)
        {
            Assert.Equal(cases[i].Tokens, results[i + 1].Sequences[0].Tokens);
            Assert.Equal(cases[i].SecondTokens, results[i + 1].Sequences[1].Tokens);
        }
    }

    public void Dispose()
    {
        _encoder.Dispose();
        _pixels.Dispose();
        _golden.Dispose();
    }

    private DecoderGraphs Merged(bool? sharesImage)
    {
        var session = Session("decoder_model_merged");
        return new DecoderGraphs(session, session, sharesImage);
    }

    private OnnxSession Session(string name) => new(Path.Combine(_folder, "onnx", name + ".onnx"), new ModelOptions());

    private HiddenStates Encode(DecoderRun run, string[] stems)
    {
        PreparedPixels[] images = [.. stems.Select(_golden.Pixels)];
        _encoder.Encode(images, _pixels, run.Hidden, CancellationToken.None);
        var shape = _encoder.ShapeOf(images[0].Width, images[0].Height);
        return new HiddenStates(images.Length, (int)shape[0], (int)shape[1]);
    }

    private float[] Alone(DecoderGraphs graphs, string stem, int first, int second)
    {
        using var run = new DecoderRun(graphs);
        run.Start(Encode(run, [stem]), new PromptBatch([Start]), 1);
        run.Step([first]);
        run.Step([second]);
        return run.Logits(0, 1).ToArray();
    }

    private static bool Close(float expected, float actual) => Math.Abs(expected - actual) <= 1e-4f;
}
