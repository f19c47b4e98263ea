using VlWorker.Inference;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3;

/// <summary>Asserts that a chat model gives what transformers gave.</summary>
internal static class ChatAsserts
{
    /// <summary>Runs cases in one call and compares ids, tokens, texts and scores.</summary>
    public static void Check(this ChatFixture fixture, IReadOnlyList<ChatCase> cases, IModel model)
    {
        var outcomes = model.Run([.. cases.Select(fixture.Input)], CancellationToken.None);
        for (var i = 0; i < cases.Count; i++)
        {
            cases[i].Caption.Check(outcomes[i]);
            var sequence = Assert.IsType<CaptionOutcome>(outcomes[i]).Sequences[0];
            Assert.Equal(cases[i].Caption.Tokens.Length - cases[i].PromptLength, sequence.GeneratedTokens);
        }
    }
}
