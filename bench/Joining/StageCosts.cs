namespace VlWorker.Bench.Joining;

/// <summary>What the parts of a batch of generated texts take, in milliseconds.</summary>
/// <param name="PromptFixed">Images and prompts, whatever the number of rows.</param>
/// <param name="PromptRow">A row's image and prompt.</param>
/// <param name="StepFixed">A decoding step, whatever the number of rows.</param>
/// <param name="StepRow">A row of it.</param>
/// <param name="StepToken">A token of a row's context, prompt and answer so far, in a step; 0 where that makes no difference or is not known.</param>
internal sealed record StageCosts(double PromptFixed, double PromptRow, double StepFixed, double StepRow, double StepToken)
{
    /// <summary>Time of the images and prompts of some rows; gives each row its first token.</summary>
    public double Prompt(int rows) => PromptFixed + (PromptRow * rows);

    /// <summary>Time of a step.</summary>
    /// <param name="rows">Rows in it.</param>
    /// <param name="tokens">Tokens in the contexts of all of them.</param>
    public double Step(int rows, double tokens) => StepFixed + (StepRow * rows) + (StepToken * tokens);

    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant($"images and prompts of n rows {PromptFixed:0.00} + {PromptRow:0.00} n ms, a step {StepFixed:0.00} ")
        + FormattableString.Invariant($"+ {StepRow:0.0000} n ms")
        + (StepToken > 0 ? FormattableString.Invariant($" + {StepToken:0.0000} ms for each token in their contexts") : "");
}
