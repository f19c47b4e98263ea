using VlWorker.Contracts;

namespace VlWorker.Integration.Faults;

/// <summary>What the checks of answers that came twice take for equal, and what they do not.</summary>
public sealed class EqualResultsTests
{
    private static readonly Output Whole = new()
    {
        Task = Tasks.Caption,
        Model = new ModelReference { Alias = "m", Revision = "1" },
        ResultId = "r",
        ContentId = "c",
        Caption = new Caption { Text = "a cat", Score = -0.5, Tokens = 3 },
        Answer = new Caption { Text = "yes", Tokens = 1 },
        Embedding = new Embedding { Dimensions = 2, Values = [1, 0] },
        Detections = [new Detection { Label = "cat", Box = new Box { Left = 1, Top = 2, Right = 3, Bottom = 4 }, Polygons = [[1, 2, 3, 4]] }],
        Classification = new Classification { Function = ScoreFunctions.Softmax, Labels = [Label("dog", 0.502), Label("cat", 0.498)] },
    };

    /// <summary>What is changed, and the end of what is said of it.</summary>
    private static readonly Dictionary<string, (Func<Output, Output> Change, string Said)> Unequal = new()
    {
        ["result id"] = (output => output with { ResultId = "s" }, "result id: r and s"),
        ["model"] = (output => output with { Model = output.Model with { Revision = "2" } }, "Revision = 2 }"),
        ["caption"] = (output => output with { Caption = output.Caption! with { Text = "a dog" } }, "text: a cat and a dog"),
        ["no caption"] = (output => output with { Caption = null }, "and none"),
        ["score"] = (output => output with { Caption = output.Caption! with { Score = -0.52 } }, "-0.5 and -0.52"),
        ["no score"] = (output => output with { Caption = output.Caption! with { Score = null } }, "-0.5 and none"),
        ["a score more"] = (output => output with { Answer = output.Answer! with { Score = 0 } }, "none and 0"),
        ["answer"] = (output => output with { Answer = output.Answer! with { Text = "no" } }, "text: yes and no"),
        ["embedding"] = (output => output with { Embedding = output.Embedding! with { Values = [0.998f, 0.0632f] } }, "from 1 and 0.998 on"),
        ["no embedding"] = (output => output with { Embedding = null }, "and none"),
        ["box"] = (output => output with { Detections = [Cat(output) with { Box = Cat(output).Box with { Top = 1 } }] }, "Bottom = 4 }"),
        ["polygon"] = (output => output with { Detections = [Cat(output) with { Polygons = [[1, 2, 3, 5]] }] }, "1 2 3 4 and 1 2 3 5"),
        ["detections"] = (output => output with { Detections = [] }, "detections: 1 and 0"),
        ["label"] = (output => output with { Classification = Labels(Label("cat", 0.498), Label("cow", 0.502)) }, "dog and cow"),
        ["label's score"] = (output => output with { Classification = Labels(Label("dog", 0.52), Label("cat", 0.498)) }, "0.502 and 0.52"),
    };

    public static TheoryData<string> Names => [.. Unequal.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Whatever_differs_is_said_with_both_values(string name)
    {
        var (change, said) = Unequal[name];
        Assert.EndsWith(said, EqualResults.Difference(Of(Whole), Of(change(Whole))), StringComparison.Ordinal);
        Assert.NotNull(EqualResults.Difference(Of(change(Whole)), Of(Whole)));
    }

    [Fact]
    public void What_batch_mates_may_move_is_equal()
    {
        var moved = Whole with
        {
            Caption = Whole.Caption! with { Score = -0.505 },
            Embedding = new Embedding { Dimensions = 2, Values = [0.9995f, 0.0316f] },
            Classification = Labels(Label("cat", 0.501), Label("dog", 0.499)),
        };
        Assert.Null(EqualResults.Difference(Of(Whole), Of(Whole)));
        Assert.Null(EqualResults.Difference(Of(Whole), Of(moved)));
    }

    private static Detection Cat(Output output) => output.Detections![0];

    private static LabelScore Label(string label, double score) => new() { Label = label, Score = score };

    private static Classification Labels(params LabelScore[] labels) => new() { Function = ScoreFunctions.Softmax, Labels = labels };

    private static Answer Of(Output output) => Answer.Read(ContractsJson.Write(new ImageDescribed
    {
        Id = "1",
        Image = new DescribedImage { Bucket = "b", Key = "k", Sha256 = "0", Bytes = 1, Width = 1, Height = 1, Format = "jpeg" },
        Outputs = [output],
        Timings = new Timings { Fetch = 0, Decode = 0, BatchWait = 0, Inference = 0, BatchSize = 1 },
        ProducedAt = DateTimeOffset.UnixEpoch,
    }));
}
