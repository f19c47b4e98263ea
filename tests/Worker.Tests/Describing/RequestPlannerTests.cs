using VlWorker.Contracts;
using VlWorker.Describing;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Describing;

public sealed class RequestPlannerTests
{
    private readonly RequestPlanner _planner = new(new ModelRegistry([new Device("cpu", 1, 1,
    [
        new NamedModel("captioner", [Tasks.Caption], text: false), new NamedModel("clip", [Tasks.Embedding], text: true),
        new NamedModel("clip-2", [Tasks.Embedding], text: true), new NamedModel("asker", [Tasks.Caption, Tasks.Answer, Tasks.Detect], text: false, prompts: true),
    ])]));

    [Fact]
    public void Absent_tasks_are_caption_and_embedding_by_their_default_models()
    {
        var plans = _planner.Plan(new DescribeImage());

        Assert.Equal(["caption captioner", "embedding clip"], plans.Select(plan => $"{plan.Task} {plan.Model.Reference.Alias}"));
        Assert.NotEmpty(plans[0].Parameters([]));
        Assert.Empty(plans[1].Parameters([]));
    }

    [Fact]
    public void Named_models_are_taken_in_the_requests_order()
    {
        var plans = _planner.Plan(new DescribeImage { Tasks = ["embedding", "caption"], Models = new Dictionary<string, string> { ["embedding"] = "clip-2" } });

        Assert.Equal(["embedding clip-2", "caption captioner"], plans.Select(plan => $"{plan.Task} {plan.Model.Reference.Alias}"));
    }

    [Theory]
    [InlineData("caption", "nobody", null, RejectionReason.UnknownModel)]
    [InlineData("caption", "clip", null, RejectionReason.UnsupportedTask)]
    [InlineData("paint", "clip", null, RejectionReason.UnsupportedTask)]
    [InlineData("caption", "captioner", "a photo of", RejectionReason.PromptNotSupported)]
    [InlineData("embedding", "clip", "a photo of", RejectionReason.PromptNotSupported)]
    [InlineData("answer", "captioner", "how many?", RejectionReason.UnsupportedTask)]
    [InlineData("detect", "clip", null, RejectionReason.UnsupportedTask)]
    [InlineData("classify", "captioner", null, RejectionReason.UnsupportedTask)]
    public void What_no_model_can_do_is_rejected(string task, string alias, string? prompt, string reason)
    {
        var request = new DescribeImage { Tasks = [task], Models = new Dictionary<string, string> { [task] = alias }, Prompt = prompt };

        Assert.Equal(reason, Assert.Throws<RejectedException>(() => _planner.Plan(request)).Reason);
    }

    [Fact]
    public void A_prompt_is_part_of_the_parameters_and_a_question_conditions_nothing_else()
    {
        var models = new Dictionary<string, string> { ["caption"] = "asker", ["answer"] = "asker", ["detect"] = "asker" };
        var request = new DescribeImage { Tasks = ["caption", "detect"], Models = models, Prompt = "a;b=c" };

        Assert.All(_planner.Plan(request), plan => Assert.EndsWith(@";prompt=a\;b\=c", plan.Parameters([]), StringComparison.Ordinal));
        var mixed = _planner.Plan(request with { Tasks = ["caption", "answer", "detect"] });
        Assert.Equal([null, "a;b=c", null], mixed.Select(plan => plan.Prompt));
        Assert.NotEqual(mixed[0].Parameters([]), mixed[1].Parameters([]));
    }

    [Fact]
    public void Several_images_are_rejected_by_a_model_that_looks_at_one()
    {
        var request = new DescribeImage { Tasks = ["caption"], MoreImages = [new ImageReference { Bucket = "b", Key = "k" }] };

        var error = Assert.Throws<RejectedException>(() => _planner.Plan(request));

        Assert.Equal((RejectionReason.BadRequest, "model 'captioner' looks at one image, and the request has 2"), (error.Reason, error.Message));
    }

    [Fact]
    public void Several_images_go_to_a_model_that_looks_at_as_many_and_are_part_of_the_result_s_ids()
    {
        var image = new ImageReference { Bucket = "b", Key = "k" };
        var request = new DescribeImage { Tasks = ["answer"], Prompt = "which?", MoreImages = [image, image] };
        var plan = Assert.Single(_planner.Plan(request));
        Assert.Equal(plan.Parameters([]), Assert.Single(_planner.Plan(request with { MoreImages = null })).Parameters([]));
        Assert.Equal(5, new[] { plan.Parameters([]), plan.Parameters(["a"]), plan.Parameters(["a", "b"]), plan.Parameters(["b", "a"]), plan.Parameters(["b"]) }.Distinct().Count());

        var error = Assert.Throws<RejectedException>(() => _planner.Plan(request with { MoreImages = [image, image, image] }));
        Assert.Equal((RejectionReason.BadRequest, "model 'asker' looks at 3 images at most, and the request has 4"), (error.Reason, error.Message));
    }

    [Fact]
    public void Texts_go_to_a_model_that_embeds_them()
    {
        Assert.Equal("clip", _planner.Plan(new DescribeText()).Reference.Alias);
        Assert.Equal("clip-2", _planner.Plan(new DescribeText { Model = "clip-2" }).Reference.Alias);
        Assert.Equal(RejectionReason.UnsupportedTask, Assert.Throws<RejectedException>(() => _planner.Plan(new DescribeText { Model = "captioner" })).Reason);
        Assert.Equal(RejectionReason.UnknownModel, Assert.Throws<RejectedException>(() => _planner.Plan(new DescribeText { Model = "x" })).Reason);
    }

    private sealed class NamedModel(string alias, string[] tasks, bool text, bool prompts = false) : IModel
    {
        public ModelReference Reference { get; } = new() { Alias = alias, Revision = "r" };

        public IReadOnlyList<string> Tasks { get; } = tasks;

        public bool EmbedsText => text;

        public bool TakesPrompt => prompts;

        public int MaxImages => prompts ? 3 : 1;

        public PreprocessorConfig? Images => null;

        public GenerationParameters? Resolve(GenerationOptions? options) => new(20, 0, 1, 1, default, 0, 1, 1);

        public TokenizedText Tokenize(string text1) => throw new NotSupportedException();

        public BatchKey KeyOf(InferenceInput input) => throw new NotSupportedException();

        public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
