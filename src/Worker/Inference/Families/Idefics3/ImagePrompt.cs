using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference.Tokenizing;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>Makes prompts: the chat template with every image's tokens in their places and the user's words as plain text.</summary>
/// <remarks>
/// What stands between the pieces are special tokens, over which tokenisation never reaches: so the pieces can be tokenised one by one, and
/// the user's words with no special token found in them, whatever they say.
/// </remarks>
internal sealed class ImagePrompt
{
    private const string Image = "<image>";
    private readonly HubTokenizer _tokenizer;
    private readonly int[] _begin;
    private readonly int[] _end;
    private readonly int[] _frame;
    private readonly int[] _line;
    private readonly int[] _lastLine;
    private readonly int[] _whole;
    private readonly int[] _around;

    /// <summary>Tokenises what all prompts have in common.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">The model's chat template.</param>
    /// <param name="tokensPerFrame">Tokens that a frame takes.</param>
    /// <exception cref="InvalidDataException">The tokenizer lacks a token of the family.</exception>
    public ImagePrompt(HubTokenizer tokenizer, ChatTemplate template, int tokensPerFrame)
    {
        _tokenizer = tokenizer;
        ImageToken = tokenizer.IdOf(Image) ?? throw new InvalidDataException($"the tokenizer has no token {Image}");
        _begin = Encode(template.Begin);
        _end = Encode(ChatTemplate.End);
        _frame = [.. Enumerable.Repeat(ImageToken, tokensPerFrame)];
        (_line, _lastLine) = (Encode("\n"), Encode("\n\n"));
        (_whole, _around) = (Encode("<global-img>"), Encode("<fake_token_around_image>"));
    }

    /// <summary>The token in whose places the images' features go.</summary>
    public int ImageToken { get; }

    /// <summary>The prompt.</summary>
    /// <param name="words">What the user says.</param>
    /// <param name="images">The images, in order.</param>
    /// <exception cref="RejectedException">bad-request: the words hold the image token all the same.</exception>
    public int[] Build(string words, params ReadOnlySpan<PreparedPixels> images)
    {
        var ids = new List<int>(_begin);
        foreach (var image in images)
            Add(ids, image);
        var text = _tokenizer.EncodeUserText(words);
        if (text.Contains(ImageToken))
            throw new RejectedException(RejectionReason.BadRequest, "the prompt holds a token that stands for an image");
        ids.AddRange(text);
        ids.AddRange(_end);
        return [.. ids];
    }

    private void Add(List<int> ids, PreparedPixels image)
    {
        for (var row = 1; row <= image.TileRows; row++)
        {
            for (var column = 1; column <= image.TileColumns; column++)
                AddFrame(ids, Encode($"<row_{row}_col_{column}>"));
            // After the last row comes another one, and the two are one piece of text.
            ids.AddRange(row < image.TileRows ? _line : _lastLine);
        }

        AddFrame(ids, _whole);
        ids.AddRange(_around);
    }

    private void AddFrame(List<int> ids, int[] place)
    {
        ids.AddRange(_around);
        ids.AddRange(place);
        ids.AddRange(_frame);
    }

    private int[] Encode(string text) => _tokenizer.Encode(text, addSpecialTokens: false);
}
