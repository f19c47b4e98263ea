using VlWorker.Inference.Tokenizing.Decoders;
using VlWorker.Inference.Tokenizing.Models;
using VlWorker.Inference.Tokenizing.Normalizers;
using VlWorker.Inference.Tokenizing.PostProcessors;
using VlWorker.Inference.Tokenizing.PreTokenizers;

namespace VlWorker.Inference.Tokenizing;

/// <summary>
/// The tokenizer of a model folder of the Hugging Face Hub: the pipeline that tokenizer.json describes, with the ids and texts of
/// transformers' fast tokenizers. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// text -> added tokens not normalised -> normalizer -> added tokens normalised -> pre-tokenizer -> model -> post-processor -> ids.
/// The file's "truncation" and "padding" don't count: transformers sets both anew at each call.
/// </remarks>
internal sealed class HubTokenizer
{
    private readonly TextNormalizer? _normalizer;
    private readonly PreTokenizer? _preTokenizer;
    private readonly TokenModel _model;
    private readonly PostProcessor _postProcessor;
    private readonly TokenDecoder _decoder;
    private readonly AddedVocabulary _addedRaw;
    private readonly AddedVocabulary _addedNormalized;
    private readonly Dictionary<int, AddedToken> _addedById = [];
    private readonly Dictionary<string, int> _addedIds = new(StringComparer.Ordinal);
    private readonly HashSet<int> _skipped;
    private readonly TextCleanup _cleanup;

    private HubTokenizer(TokenizerJson json, TokenizerJson? config, TokenizerJson? specialTokens)
    {
        var model = json.Required("model");
        _model = TokenModel.Create(model);
        _normalizer = TextNormalizer.Create(json.Optional("normalizer"), config);
        _preTokenizer = json.Optional("pre_tokenizer") is { } preTokenizer ? PreTokenizer.Create(preTokenizer) : null;
        _postProcessor = json.Optional("post_processor") is { } postProcessor ? PostProcessor.Create(postProcessor) : PostProcessor.None;
        _decoder = TokenDecoder.Create(json.Optional("decoder"));
        Add(json.Optional("added_tokens")?.Items().Select(AddedToken.Create) ?? []);
        var added = _addedById.Values;
        _addedRaw = new(added.Where(token => !token.Normalized).Select(token => (token.Content, token)));
        _addedNormalized = new(added.Where(token => token.Normalized).Select(token => (Normalize(token.Content), token)));
        Special = SpecialTokens.Create(config, specialTokens, IdOf);
        _skipped = [.. added.Where(token => token.Special).Select(token => token.Id), .. Special.Ids];
        _cleanup = TextCleanup.Create(config, model);
        ModelMaxLength = config?.Optional("model_max_length")?.Number() is { } length and > 0 and < int.MaxValue ? (int)length : null;
    }

    /// <summary>The tokens with a role.</summary>
    public SpecialTokens Special { get; }

    /// <summary>Tokens that the model takes at most, special tokens included; null where tokenizer_config.json sets no bound.</summary>
    public int? ModelMaxLength { get; }

    /// <summary>Number of tokens, added ones included.</summary>
    public int VocabularySize => _model.Vocabulary.Count + _addedById.Keys.Count(id => _model.Vocabulary.TokenOf(id) is null);

    /// <summary>Reads tokenizer.json and, where they are, tokenizer_config.json and special_tokens_map.json.</summary>
    /// <param name="folder">The model folder.</param>
    /// <exception cref="FileNotFoundException">There is no tokenizer.json.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or its parts don't fit; the message names the place.</exception>
    /// <exception cref="NotSupportedException">A file asks for a component or setting unknown here; the message names it.</exception>
    public static HubTokenizer Load(string folder)
    {
        var json = TokenizerJson.Read(Path.Combine(folder, "tokenizer.json"));
        var config = TokenizerJson.ReadOptional(Path.Combine(folder, "tokenizer_config.json"));
        var specialTokens = TokenizerJson.ReadOptional(Path.Combine(folder, "special_tokens_map.json"));
        try
        {
            return new HubTokenizer(json, config, specialTokens);
        }
        catch (InvalidOperationException error)
        {
            // The JSON reader's complaint about a text with half a surrogate pair.
            throw new InvalidDataException($"A tokenizer file of {folder} holds no valid text: {error.Message}", error);
        }
    }

    /// <summary>The id of a token as it stands in the vocabulary; null where it is none.</summary>
    public int? IdOf(string token) => _addedIds.TryGetValue(token, out var id) ? id : _model.Vocabulary.IdOf(token);

    /// <summary>The token of an id as it stands in the vocabulary; null where it is none.</summary>
    public string? TokenOf(int id) => _addedById.TryGetValue(id, out var added) ? added.Content : _model.Vocabulary.TokenOf(id);

    /// <summary>The ids of a text, not cut. Lone surrogates count as U+FFFD.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecialTokens">Whether to put the special tokens of the post-processor around it.</param>
    /// <param name="parseSpecialTokens">Whether special tokens written out in the text become their ids, as they do in transformers by
    /// default; otherwise they are plain text, so that a stranger's text can't end or steer the input. Then added tokens in angle or square
    /// brackets are plain text, too, whether or not the file calls them special.</param>
    public int[] Encode(string text, bool addSpecialTokens = true, bool parseSpecialTokens = true)
    {
        using var ids = new RentedList<int>();
        EncodePlain(text, ids, int.MaxValue, parseSpecialTokens);
        return addSpecialTokens ? [.. _postProcessor.Prefix, .. ids.Span, .. _postProcessor.Suffix] : ids.Span.ToArray();
    }

    /// <summary>
    /// The ids of what a user wrote, for a place in a prompt: without special tokens around it, and whatever looks like one in it is plain text.
    /// </summary>
    public int[] EncodeUserText(string text) => Encode(text, addSpecialTokens: false, parseSpecialTokens: false);

    /// <summary>The ids of a text with its special tokens, cut to a length: the text loses its end, the special tokens stay.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="maxLength">Tokens at most, special tokens included.</param>
    /// <param name="parseSpecialTokens">As for <see cref="Encode"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not even the special tokens fit.</exception>
    public TokenizedText EncodeTruncated(string text, int maxLength, bool parseSpecialTokens = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, _postProcessor.Count);
        var room = maxLength - _postProcessor.Count;
        using var ids = new RentedList<int>();
        EncodePlain(text, ids, room, parseSpecialTokens);
        var truncated = ids.Count > room;
        ids.Truncate(room);
        return new TokenizedText([.. _postProcessor.Prefix, .. ids.Span, .. _postProcessor.Suffix], truncated);
    }

    /// <summary>The text of ids. Ids that stand for no token are left out.</summary>
    /// <param name="ids">Any ids.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens)
    {
        var tokens = new List<string>(ids.Length);
        foreach (var id in ids)
        {
            if (TokenOf(id) is { } token && !(skipSpecialTokens && _skipped.Contains(id)))
                tokens.Add(token);
        }

        return _cleanup.Apply(_decoder.Decode(tokens));
    }

    // As Hugging Face's library does it, a token of the model keeps the model's id and others are numbered on from its size: the ids in the
    // file only say what that comes to.
    private void Add(IEnumerable<AddedToken> tokens)
    {
        var next = _model.Vocabulary.Count;
        foreach (var token in tokens.Where(token => token.Content.Length > 0))
        {
            var id = IdOf(token.Content) ?? next++;
            _addedById[id] = token with { Id = id };
            _addedIds[token.Content] = id;
        }
    }

    // Stops as soon as there are more ids than enough, so that a long text for a short context costs little.
    private void EncodePlain(string text, RentedList<int> ids, int enough, bool parseSpecialTokens)
    {
        using var encoder = _model.CreateEncoder();
        using var work = new PreTokenizedText();
        text = WellFormed(text);
        foreach (var outer in _addedRaw.Split(text, parseSpecialTokens))
        {
            if (outer.Token is { } raw)
            {
                ids.Add(raw.Id);
                continue;
            }

            var normalized = Normalize(outer.Length == text.Length ? text : text.Substring(outer.Start, outer.Length));
            foreach (var inner in _addedNormalized.Split(normalized, parseSpecialTokens))
            {
                if (inner.Token is { } token)
                    ids.Add(token.Id);
                else
                    EncodeStretch(normalized.AsSpan(inner.Start, inner.Length), work, encoder, ids, enough);
                if (ids.Count > enough)
                    return;
            }
        }
    }

    private void EncodeStretch(ReadOnlySpan<char> text, PreTokenizedText work, PieceEncoder encoder, RentedList<int> ids, int enough)
    {
        work.Reset(text);
        _preTokenizer?.Apply(work);
        foreach (var piece in work.Pieces)
        {
            encoder.Encode(work.TextOf(piece), ids);
            if (ids.Count > enough)
                return;
        }
    }

    private string Normalize(string text) => _normalizer?.Normalize(text) ?? text;

    // UTF-8, in which these tokenizers think, has no lone surrogates.
    private static string WellFormed(string text)
    {
        for (var i = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF'); i >= 0 && i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i))
                i++;
            else if (char.IsSurrogate(text[i]))
                return Replaced(text);
        }

        return text;

        static string Replaced(string text) => string.Concat(text.EnumerateRunes());
    }
}
