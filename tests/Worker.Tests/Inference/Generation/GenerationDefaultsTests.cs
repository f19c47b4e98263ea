using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Inference.Generation;

public sealed class GenerationDefaultsTests
{
    private const int Context = 64;

    [Fact]
    public void Without_any_setting_twenty_tokens_are_generated_greedily() =>
        Assert.Equal(new GenerationParameters(21, 0, 1, 1, EarlyStopping.Heuristic, 0, 1, 1), Defaults(new GenerationConfig()).Resolve(null));

    [Fact]
    public void The_models_settings_hold_where_the_request_is_silent()
    {
        var defaults = Defaults(new GenerationConfig
        {
            MaxLength = 32,
            MinLength = 4,
            NumBeams = 3,
            LengthPenalty = 0.5,
            EarlyStopping = EarlyStopping.Never,
            NoRepeatNgramSize = 2,
            RepetitionPenalty = 1.2,
            NumReturnSequences = 2,
        });
        Assert.Equal(new GenerationParameters(32, 4, 3, 0.5, EarlyStopping.Never, 2, 1.2, 2), defaults.Resolve(null));
        Assert.Equal(new GenerationParameters(32, 4, 5, 0.5, EarlyStopping.Never, 2, 1.2, 2), defaults.Resolve(new GenerationOptions { NumBeams = 5 }));
    }

    [Fact]
    public void The_request_goes_before_the_model()
    {
        var defaults = Defaults(new GenerationConfig { MaxLength = 32, NumBeams = 3, EarlyStopping = EarlyStopping.Never });
        var resolved = defaults.Resolve(new GenerationOptions
        {
            MaxNewTokens = 10,
            MinNewTokens = 5,
            NumBeams = 4,
            LengthPenalty = 2,
            EarlyStopping = true,
            NoRepeatNgramSize = 3,
            RepetitionPenalty = 1.5,
            NumReturnSequences = 4,
        });
        Assert.Equal(new GenerationParameters(11, 6, 4, 2, EarlyStopping.Always, 3, 1.5, 4), resolved);
        Assert.Equal(EarlyStopping.Heuristic, defaults.Resolve(new GenerationOptions { EarlyStopping = false }).EarlyStopping);
    }

    [Fact]
    public void New_tokens_go_before_lengths_in_the_models_settings()
    {
        var defaults = Defaults(new GenerationConfig { MaxLength = 32, MaxNewTokens = 8, MinLength = 7, MinNewTokens = 2 });
        Assert.Equal((9, 3), (defaults.Resolve(null).MaxLength, defaults.Resolve(null).MinLength));
    }

    [Fact]
    public void A_model_that_wants_more_than_its_context_gets_its_context() =>
        Assert.Equal(1 + Context, Defaults(new GenerationConfig { MaxLength = 1000 }).Resolve(null).MaxLength);

    [Theory]
    [InlineData(Context, true)]
    [InlineData(Context + 1, false)]
    public void A_request_may_use_the_context_to_the_last_position(int newTokens, bool accepted)
    {
        var defaults = Defaults(new GenerationConfig());
        var options = new GenerationOptions { MaxNewTokens = newTokens };
        if (accepted)
            Assert.Equal(1 + newTokens, defaults.Resolve(options).MaxLength);
        else
            Assert.Contains("maxNewTokens is 65, outside 1 to 64", Rejected(() => defaults.Resolve(options)));
    }

    [Fact]
    public void Every_contradiction_is_named()
    {
        var options = new GenerationOptions { MaxNewTokens = 5, MinNewTokens = 9, NumReturnSequences = 3, RepetitionPenalty = 0, LengthPenalty = double.NaN };
        var detail = Rejected(() => Defaults(new GenerationConfig()).Resolve(options));
        Assert.All(["minNewTokens is 9", "numReturnSequences", "repetitionPenalty", "lengthPenalty"], name => Assert.Contains(name, detail));
    }

    private static string Rejected(Action action)
    {
        var error = Assert.Throws<RejectedException>(action);
        Assert.Equal(RejectionReason.BadRequest, error.Reason);
        return error.Message;
    }

    private static GenerationDefaults Defaults(GenerationConfig config) => new(config, Context);
}
