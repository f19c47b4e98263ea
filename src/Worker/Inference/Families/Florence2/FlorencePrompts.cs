using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference.Tokenizing;

namespace VlWorker.Inference.Families.Florence2;

/// <summary>Prompts as the encoder reads them.</summary>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="longest">Tokens of a prompt at most, those around it included.</param>
internal sealed class FlorencePrompts(HubTokenizer tokenizer, int longest)
{
    private readonly int[] _frame = tokenizer.Encode(string.Empty);

    /// <summary>The tokens of a prompt. Whatever its words are, they become no special token.</summary>
    /// <exception cref="RejectedException">bad-request: it is longer than the model's context.</exception>
    public int[] Encode(FlorencePrompt prompt)
    {
        var (before, after) = Template(prompt);
        int[] ids;
        if (prompt.Task?.Input == FlorenceInput.Region)
        {
            int[] around = [.. tokenizer.EncodeUserText(before), .. Locations(prompt.Input), .. tokenizer.EncodeUserText(after)];
            ids = [.. _frame[..^1], .. around, _frame[^1]];
        }
        else
        {
            ids = tokenizer.Encode(before + prompt.Input + after, parseSpecialTokens: false);
        }

        return ids.Length <= longest ? ids : throw new RejectedException(
            RejectionReason.BadRequest, $"the prompt has {ids.Length} tokens; beside an image the model's context has room for {longest}");
    }

    private static (string Before, string After) Template(FlorencePrompt prompt)
    {
        if (prompt.Task is not { Template: var template })
            return (string.Empty, string.Empty);
        var place = template.IndexOf(FlorenceTask.Place, StringComparison.Ordinal);
        return place < 0 ? (template, string.Empty) : (template[..place], template[(place + FlorenceTask.Place.Length)..]);
    }

    // The one place where special tokens come from outside: four locations and nothing else, which has been checked.
    private int[] Locations(string region) => tokenizer.Encode(region, addSpecialTokens: false);
}
