namespace VlWorker.Contracts.Tests;

/// <summary>One message of each kind with every field set, and one with the required fields alone; Golden/ holds their JSON.</summary>
internal static class Samples
{
    private const string Hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, 250, TimeSpan.Zero);

    private static readonly Dictionary<string, string> Context = new() { ["album"] = "旅行 <2026> & more", ["page"] = "7" };

    private static readonly ModelReference Clip = new() { Alias = "clip", Revision = Hash };

    private static readonly ModelReference Captioner = new() { Alias = "captioner", Revision = Hash };

    /// <summary>Every sample under the name of its golden document.</summary>
    public static IReadOnlyDictionary<string, object> All { get; } = new Dictionary<string, object>
    {
        ["describe-image"] = FullRequest(),
        ["describe-image.least"] = new DescribeImage { Id = "1", Image = new ImageReference { Bucket = "photos", Key = "a.jpg" } },
        ["describe-text"] = FullText(),
        ["describe-text.least"] = new DescribeText { Id = "1", Text = "a red kite" },
        ["image-described"] = FullResult(),
        ["image-described.least"] = LeastResult(),
        ["text-described"] = FullTextResult(),
        ["text-described.least"] = FullTextResult() with { JobId = null, Context = null },
        ["image-rejected"] = FullRejection(),
        ["image-rejected.least"] = new ImageRejected { Id = "", Reason = RejectionReason.BadRequest, Detail = "image is missing", RejectedAt = Noon },
        ["cancel-job"] = new CancelJob { JobId = "autumn.2026", CancelledAt = Noon },
    };

    private static DescribeImage FullRequest() => new()
    {
        Id = "order-4711/front",
        Image = new ImageReference { Bucket = "photos", Key = "東京/été 1.jpg", VersionId = "3HL4kqtJlcpXroDTDmJ", Etag = "9b2cf535f27731c9" },
        MoreImages = [new ImageReference { Bucket = "photos", Key = "b.jpg", VersionId = "1", Etag = "e" }],
        Tasks = [Tasks.Caption, Tasks.Embedding, Tasks.Detect, Tasks.Classify],
        Models = new Dictionary<string, string> { ["caption"] = "captioner", ["embedding"] = "clip", ["classify"] = "clip" },
        Prompt = "a photo of",
        Labels = ["Katze", "犬"],
        LabelTemplate = "a photo of a {}.",
        Generation = new GenerationOptions
        {
            MaxNewTokens = 24,
            MinNewTokens = 2,
            NumBeams = 1,
            LengthPenalty = 0.6,
            EarlyStopping = true,
            NoRepeatNgramSize = 3,
            RepetitionPenalty = 1.2,
            DoSample = true,
            Temperature = 0.75,
            TopK = 40,
            TopP = 0.9,
            Seed = 7,
            Stop = ["\n", "."],
            NumReturnSequences = 1,
        },
        EmbeddingEncoding = EmbeddingEncodings.Base64,
        JobId = "autumn.2026",
        Deadline = Noon,
        Context = Context,
    };

    private static DescribeText FullText() => new()
    {
        Id = "query-1",
        Text = "a red kite over a \"blue\" sea",
        Model = "clip",
        EmbeddingEncoding = EmbeddingEncodings.Float,
        JobId = "autumn.2026",
        Deadline = Noon,
        Context = Context,
    };

    private static ImageDescribed FullResult() => new()
    {
        Id = "order-4711/front",
        JobId = "autumn.2026",
        Image = new DescribedImage
        {
            Bucket = "photos",
            Key = "東京/été 1.jpg",
            VersionId = "3HL4kqtJlcpXroDTDmJ",
            Etag = "9b2cf535f27731c9",
            Sha256 = Hash,
            Bytes = 123_456,
            Width = 640,
            Height = 480,
            Format = "jpeg",
        },
        Outputs = [CaptionOutput(), EmbeddingOutput(), AnswerOutput(), DetectOutput(), ClassifyOutput()],
        Timings = new Timings { Queued = 1000, Fetch = 4.5, Decode = 3.25, BatchWait = 1.5, Inference = 21.75, BatchSize = 8 },
        Context = Context,
        ProducedAt = Noon,
    };

    private static Output CaptionOutput() => new()
    {
        Task = Tasks.Caption,
        Model = Captioner,
        ResultId = ResultIds.ResultId("photos", "東京/été 1.jpg", Hash, Tasks.Caption, Hash, "numBeams=4;"),
        ContentId = ResultIds.ContentId(Hash, Tasks.Caption, Hash, "numBeams=4;"),
        Caption = new Caption
        {
            Text = "a red kite",
            Score = -0.125,
            Tokens = 5,
            Alternatives = [new Caption { Text = "a kite", Score = -0.5, Tokens = 4 }],
        },
    };

    private static Output EmbeddingOutput() => new()
    {
        Task = Tasks.Embedding,
        Model = Clip,
        ResultId = ResultIds.ResultId("photos", "東京/été 1.jpg", Hash, Tasks.Embedding, Hash, ""),
        ContentId = ResultIds.ContentId(Hash, Tasks.Embedding, Hash, ""),
        Embedding = new Embedding { Dimensions = 2, Base64 = "mpkZP83MTD8=" },
    };

    private static Output AnswerOutput() => Of(Tasks.Answer, Captioner, "maxLength=20;prompt=how many?") with
    {
        Answer = new Caption { Text = "two", Score = -0.25, Tokens = 2, Alternatives = [new Caption { Text = "three", Score = -0.5, Tokens = 2 }] },
    };

    private static Output DetectOutput() => Of(Tasks.Detect, Captioner, "maxLength=20;") with
    {
        Detections =
        [
            new Detection
            {
                Label = "kite",
                Score = 0.5,
                Box = new Box { Left = 1.5, Top = 2, Right = 30, Bottom = 40.25 },
                Polygons = [[1.5, 2, 30, 2, 30, 40.25, 1.5, 40.25], [2, 3, 4, 3, 4, 5]],
            },
        ],
    };

    private static Output ClassifyOutput() => Of(Tasks.Classify, Clip, "labels=Katze\n犬;template=a photo of a {}.;") with
    {
        Classification = new Classification
        {
            Function = ScoreFunctions.Softmax,
            Labels = [new LabelScore { Label = "犬", Score = 0.75 }, new LabelScore { Label = "Katze", Score = 0.25 }],
        },
    };

    private static Output Of(string task, ModelReference model, string parameters) => new()
    {
        Task = task,
        Model = model,
        ResultId = ResultIds.ResultId("photos", "東京/été 1.jpg", Hash, task, Hash, parameters),
        ContentId = ResultIds.ContentId(Hash, task, Hash, parameters),
    };

    private static ImageDescribed LeastResult() => new()
    {
        Id = "1",
        Image = new DescribedImage { Bucket = "photos", Key = "a.jpg", Sha256 = Hash, Bytes = 68, Width = 1, Height = 1, Format = "png" },
        Outputs = [EmbeddingOutput() with { Embedding = new Embedding { Dimensions = 2, Values = [0.6f, -0.8f] } }],
        Timings = new Timings { Fetch = 0.5, Decode = 0.25, BatchWait = 0, Inference = 10, BatchSize = 1 },
        ProducedAt = Noon,
    };

    private static TextDescribed FullTextResult() => new()
    {
        Id = "query-1",
        JobId = "autumn.2026",
        Model = Clip,
        ResultId = ResultIds.TextId("a red kite", Hash),
        Tokens = 6,
        Truncated = false,
        Embedding = new Embedding { Dimensions = 2, Values = [0.6f, -0.8f] },
        Context = Context,
        ProducedAt = Noon,
    };

    private static ImageRejected FullRejection() => new()
    {
        Id = "order-4711/front",
        JobId = "autumn.2026",
        Image = new ImageReference { Bucket = "photos", Key = "東京/été 1.jpg", VersionId = "3HL4kqtJlcpXroDTDmJ", Etag = "9b2cf535f27731c9" },
        Reason = RejectionReason.NotFound,
        Detail = "the bucket holds no object of this key",
        Context = Context,
        RejectedAt = Noon,
    };
}
